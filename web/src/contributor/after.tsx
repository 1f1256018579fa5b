// What came of it: what counted and why the rest did not, the pay with its reason, and taking answers back.

import type { ErasureView } from "tacit-engine";
import { useEffect, useState } from "preact/hooks";
import { EngineFailure } from "../engine/messages.ts";
import { Problem } from "../http/problem.ts";
import type { SubmissionNote } from "../storage/submissions.ts";
import { laterText } from "../text/en-later.ts";
import { money } from "../ui/money.ts";
import { Notice, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { saveFile } from "../ui/save-file.ts";
import { fetchStanding, withdraw, type Standing } from "./afterwards.ts";
import type { Desk } from "./desk.ts";

/** Codes that mean that somebody deviates, and not that something is passing. */
const ALARMS = ["certified", "outcome", "receipt"];

export function After({ desk, onChanged }: { desk: Desk; onChanged: () => void }) {
  const t = laterText.after;
  const [standing, setStanding] = useState<Standing | null | undefined>();
  const action = useAction();
  const [hasAsked, setAsked] = useState(false);
  // What was sent with the same key from another device counts as well.
  const elsewhere = desk.elsewhere.length;
  const hasSent = desk.submissions.some((one) => one.state !== "made") || elsewhere > 0;
  const look = () =>
    void action.run(async () => {
      await desk.look();
      setAsked(true);
      setStanding(await fetchStanding(desk));
    });
  useEffect(look, []);
  const isAlarm = action.error instanceof EngineFailure && ALARMS.includes(action.error.code);
  // Of a job that is still open the coordinator may have nothing to show yet.
  const isWaiting = standing === null || (action.error instanceof Problem && action.error.kind === "not_published");
  return (
    <Screen title={t.title}>
      {!hasSent && hasAsked && !standing && <p class="lead">{t.nothingSent}</p>}
      {action.isRunning && <p role="status">{t.looking}</p>}
      {isAlarm && <Notice kind="bad">{t.wrong}</Notice>}
      {action.error !== undefined && !isWaiting && <Trouble error={action.error} onRetry={look} />}
      {isWaiting && <p class="lead">{t.ended[desk.state] ?? t.waiting}</p>}
      {standing && <Result standing={standing} />}
      {!action.isRunning && (
        <div class="actions">
          <button type="button" class="plain" onClick={look}>
            {t.look}
          </button>
        </div>
      )}
      {elsewhere > 0 && !standing && <p class="muted">{t.sentElsewhere(elsewhere)}</p>}
      {desk.submissions.length > 0 && (
        <section class="part">
          <h2>{t.submissions}</h2>
          <ul class="rows">
            {desk.submissions.map((one) => (
              <Submission key={one.id} desk={desk} note={one} onChanged={onChanged} canWithdraw={!standing && !desk.isClosed} />
            ))}
          </ul>
        </section>
      )}
      {desk.agreedAt !== undefined && <Agreed desk={desk} agreedAt={desk.agreedAt} />}
    </Screen>
  );
}

/** What was agreed to on this device, and the file that shows it to others. */
function Agreed({ desk, agreedAt }: { desk: Desk; agreedAt: number }) {
  const t = laterText.after;
  const action = useAction();
  const save = () =>
    void action.run(async () => {
      saveFile(`consent-${desk.job.id}.json`, await desk.consentFile(), "application/json");
    });
  return (
    <section class="part told">
      <h2>{t.agreed}</h2>
      <p>{t.agreedAt(agreedAt, desk.job.digest)}</p>
      <p class="hint">{t.consentHint}</p>
      {action.error !== undefined && <Trouble error={action.error} />}
      <div class="actions">
        <button type="button" class="plain" onClick={save} disabled={action.isRunning}>
          {t.consent}
        </button>
      </div>
    </section>
  );
}

function Result({ standing: { certified, rejected } }: { standing: Standing }) {
  const t = laterText.after;
  const byReason = new Map<string, string[]>();
  rejected.forEach(({ item, reason }) => byReason.set(reason, [...(byReason.get(reason) ?? []), item]));
  return (
    <>
      <section class="part pay">
        <h2>{t.pay}</h2>
        {certified.pay === null ? (
          <p>{t.payNone}</p>
        ) : (
          <>
            <p class="amount">{money(certified.pay.total, certified.pay.currency)}</p>
            <p>{t.payWhy(certified.pay)}</p>
          </>
        )}
        {certified.sent > 0 && <p>{t.counted(certified.counted, certified.sent)}</p>}
        {certified.answers !== certified.counted && (
          <p>
            {certified.sent > 0 && `${t.countedHere} `}
            {t.countedAll(certified.answers)}
          </p>
        )}
        <p class="muted">{t.checked(certified.signers)}</p>
      </section>
      {certified.leftOut.length > 0 && (
        <section class="part">
          <h2>{t.leftOut}</h2>
          <ul class="rows">
            {certified.leftOut.map((one) => (
              <li key={one.reason}>
                <span>{one.text}</span>
                <span>{one.answers}</span>
              </li>
            ))}
          </ul>
          {rejected.length > 0 && (
            <details>
              <summary>{t.which}</summary>
              {[...byReason].map(([reason, items]) => (
                <p key={reason}>
                  {certified.leftOut.find((one) => one.reason === reason)?.text ?? reason}: {items.join(", ")}
                </p>
              ))}
            </details>
          )}
        </section>
      )}
      <p class="muted">{t.people(certified.contributors)}</p>
      {certified.elsewhere > 0 && <p class="muted">{t.elsewhere(certified.elsewhere)}</p>}
    </>
  );
}

function Submission(props: { desk: Desk; note: SubmissionNote; canWithdraw: boolean; onChanged: () => void }) {
  const t = laterText.after;
  const { desk, note } = props;
  const [isAsking, setAsking] = useState(false);
  const [erased, setErased] = useState<ErasureView | undefined>();
  const action = useAction();
  const takeBack = () =>
    void action.run(async () => {
      setAsking(false);
      setErased(await withdraw(desk, note.id));
      props.onChanged();
    });
  const number = note.items.length;
  return (
    <li class="submission">
      <span>{t.submission(number, new Date(note.made).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }))}</span>
      <span class="muted">
        {t.state[note.state]}
        {note.state === "withdrawing" && note.missing !== undefined && note.missing.length > 0 && `, ${t.notConfirmed(note.missing)}`}
      </span>
      {note.state === "sent" && props.canWithdraw && !isAsking && (
        <button type="button" class="link" onClick={() => setAsking(true)}>
          {t.withdraw}
        </button>
      )}
      {(note.state === "withdrawing" || note.state === "withdrawn") && (erased === undefined || erased.missing.length > 0) && (
        <button type="button" class="link" onClick={takeBack} disabled={action.isRunning}>
          {t.askAgain}
        </button>
      )}
      {isAsking && (
        <div class="ask" role="group" aria-label={t.withdrawAsk(number)}>
          <p>{t.withdrawAsk(number)}</p>
          <button type="button" class="plain danger" onClick={takeBack}>
            {t.withdrawYes}
          </button>
          <button type="button" class="plain" onClick={() => setAsking(false)}>
            {t.withdrawNo}
          </button>
        </div>
      )}
      {erased !== undefined && <Notice kind={erased.missing.length === 0 ? "good" : "info"}>{t.erased(erased.erasedBy, erased.missing)}</Notice>}
      {action.error !== undefined && <Trouble error={action.error} />}
    </li>
  );
}
