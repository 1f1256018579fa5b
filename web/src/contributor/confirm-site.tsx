// Asks before a link is followed that brings its own operators, or sends requests to another address than the cluster file's.

import { useState } from "preact/hooks";
import type { Doubt } from "../open-cluster.ts";
import { confirmText } from "../text/en-confirm.ts";
import { text } from "../text/index.ts";
import { FileButton, Notice, Screen } from "../ui/parts.tsx";
import { readFile } from "../ui/save-file.ts";
import { ClusterFacts } from "./cluster-facts.tsx";

/** What is asked, and what comes of it: the person accepts it, or opens another cluster file. */
export interface Question {
  doubt: Doubt;
  onAccept: (doubt: Doubt) => void;
  onFile: (file: Uint8Array) => void;
}

export function ConfirmSite({ doubt, onAccept, onFile }: Question) {
  const t = confirmText;
  const [hasCompared, setCompared] = useState(false);
  return (
    <Screen title={t.title}>
      {doubt.isForeign && <Notice kind="bad">{t.foreign}</Notice>}
      {doubt.hasHostChanged && <Notice kind="bad">{t.hostChanged}</Notice>}
      {doubt.instead !== undefined && <Notice kind="bad">{t.otherAddress(doubt.coordinator, doubt.instead)}</Notice>}
      {(doubt.isForeign || doubt.hasHostChanged) && (
        <section class="part">
          <h2>{text.consent.operators}</h2>
          <p>{t.compare}</p>
          <ClusterFacts cluster={doubt.cluster} />
          <FileButton label={text.clusterFile.choose} accept=".toml" onFiles={([file]) => file && void readFile(file).then(onFile)} />
        </section>
      )}
      <form
        class="agree"
        onSubmit={(event) => {
          event.preventDefault();
          onAccept(doubt);
        }}
      >
        <label class="check">
          <input type="checkbox" checked={hasCompared} required onChange={(event) => setCompared(event.currentTarget.checked)} />
          <span>{doubt.isForeign || doubt.hasHostChanged ? t.compared : t.addressRight}</span>
        </label>
        <button type="submit" class="plain danger">
          {t.goOn}
        </button>
        <p class="hint">{t.otherwise}</p>
      </form>
    </Screen>
  );
}
