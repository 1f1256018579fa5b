// Takes a key from another device: as a file, or as the text of its QR code.

import { useState } from "preact/hooks";
import type { Engine } from "../engine/client.ts";
import type { IdentityNote } from "../engine/identities.ts";
import { laterText } from "../text/en-later.ts";
import { Field, FileButton, Trouble, useAction } from "../ui/parts.tsx";

export function KeyImport({ engine, onImported }: { engine: Engine; onImported: (identity: IdentityNote) => void }) {
  const t = laterText.key;
  const [given, setGiven] = useState("");
  const action = useAction();
  const take = (key: string) =>
    void action.run(async () => {
      const identity = await engine.importKey(key);
      setGiven("");
      onImported(identity);
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        take(given);
      }}
    >
      <p>{t.importHint}</p>
      {action.error !== undefined && <Trouble error={action.error} />}
      <FileButton label={t.importFile} onFiles={([file]) => void file?.text().then(take)} />
      <Field label={t.importText} hint={t.importTextHint} value={given} onInput={setGiven} rows={4} required />
      <button type="submit" class="plain" disabled={action.isRunning}>
        {t.importDo}
      </button>
    </form>
  );
}
