// What the job is, before anything is asked: one page to read and one action. The paragraphs shown here are kept with the signed record of
// consent.

import { useState } from "preact/hooks";
import { text } from "../text/index.ts";
import { Field, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { ConsentParts, consentTexts } from "./consent-parts.tsx";
import type { Desk } from "./desk.ts";

export function Consent({ desk, page, onAgreed }: { desk: Desk; page: string | null; onAgreed: () => void }) {
  const t = text.consent;
  const { job, cluster, isPinned } = desk;
  const [name, setName] = useState("");
  const [understood, setUnderstood] = useState(false);
  const action = useAction();
  const needsName = desk.needsName;
  const agree = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      if (needsName) {
        await desk.enrol(name);
      }
      await desk.agree(consentTexts(job, cluster, { contributor: desk.identity?.contributor ?? "", isPinned }), page);
      onAgreed();
    });
  };
  return (
    <Screen title={t.title}>
      <ConsentParts job={job} cluster={cluster} isPinned={isPinned} />
      <form class="agree" onSubmit={agree}>
        {needsName ? (
          <Field label={text.access.name} hint={text.access.nameHint} value={name} onInput={setName} required autocomplete="nickname" />
        ) : (
          <p>{t.as(desk.identity?.contributor ?? "")}</p>
        )}
        {!job.terms.sensitive && (
          <label class="check">
            <input type="checkbox" checked={understood} required onChange={(event) => setUnderstood(event.currentTarget.checked)} />
            <span>{t.agreePublic}</span>
          </label>
        )}
        {action.error !== undefined && <Trouble error={action.error} />}
        <button type="submit" class="main" disabled={action.isRunning}>
          {t.agree}
        </button>
        <p class="hint">{t.record}</p>
      </form>
    </Screen>
  );
}
