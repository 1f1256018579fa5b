// Sending: the shares are made in the worker, and progress is shown. It goes on when another screen is shown.

import { useEffect, useReducer } from "preact/hooks";
import { laterText } from "../text/en-later.ts";
import { text } from "../text/index.ts";
import { Notice, Progress, Screen, Trouble, useAction, useOnline } from "../ui/parts.tsx";
import { saveFile } from "../ui/save-file.ts";
import type { Desk } from "./desk.ts";

export function Send({ desk, onAnswer, onAfter, onKey }: { desk: Desk; onAnswer: () => void; onAfter: () => void; onKey: () => void }) {
  const t = laterText.send;
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const action = useAction();
  const isOnline = useOnline();
  const { outbox, waiting } = desk;
  useEffect(() => outbox.listen(() => redraw(undefined)), [outbox]);
  const { progress, result, error } = outbox;
  const acknowledged = desk.submissions.filter((one) => one.state !== "made");
  const refused = desk.submissions.filter((one) => one.state === "refused");
  const tryAgain = () =>
    void action.run(async () => {
      await desk.engine.reopenRefused();
      await desk.load();
    });
  return (
    <Screen title={t.title}>
      {waiting > 0 ? <p class="lead">{t.lead(waiting)}</p> : result === undefined && <p class="lead">{t.nothing}</p>}
      {!isOnline && <Notice kind="info">{text.offline}</Notice>}
      {error !== undefined && (
        <>
          <Notice kind="bad">{t.failed}</Notice>
          <Trouble error={error} />
        </>
      )}
      {action.error !== undefined && <Trouble error={action.error} />}
      {progress !== undefined && (
        <div class="sending">
          <Progress value={progress.sent} max={progress.total} label={t.progress(progress.sent, progress.total)} />
          <p role="status">{progress.step === "preparing" ? t.preparing : progress.step === "sending" ? t.sending : t.waiting}</p>
          <p class="muted">{t.progress(progress.sent, progress.total)}</p>
        </div>
      )}
      {result !== undefined && (result.sent > 0 || result.refused === 0) && <Notice kind="good">{t.done(result.sent)}</Notice>}
      {refused.length > 0 && (
        <Notice kind="bad">
          {refused.map((one) => (
            <p key={one.id}>{t.refused(one.items.length, one.refusal ?? "")}</p>
          ))}
          <button type="button" class="plain" onClick={tryAgain} disabled={action.isRunning || progress !== undefined}>
            {t.again}
          </button>
        </Notice>
      )}
      {result !== undefined && result.sent > 0 && !desk.identity?.isSaved && (
        <Notice kind="info">
          <p>{t.saveKey}</p>
          <button type="button" class="plain" onClick={onKey}>
            {t.toKey}
          </button>
        </Notice>
      )}
      <div class="actions">
        {waiting > 0 && (
          <button type="button" class="main" onClick={() => void outbox.send()} disabled={progress !== undefined}>
            {t.begin(waiting)}
          </button>
        )}
        {result !== undefined && (
          <>
            <button type="button" class={waiting > 0 ? "plain" : "main"} onClick={onAfter}>
              {t.after}
            </button>
            <button type="button" class="plain" onClick={onAnswer}>
              {t.goOn}
            </button>
          </>
        )}
      </div>
      {acknowledged.length > 0 && (
        <section class="part">
          <h2>{t.list}</h2>
          <ul class="rows">
            {acknowledged.map((one) => (
              <li key={one.id}>
                <span>{laterText.after.submission(one.items.length, new Date(one.made).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }))}</span>
                <span class="muted">{laterText.after.state[one.state]}</span>
              </li>
            ))}
          </ul>
          <button
            type="button"
            class="plain"
            onClick={() =>
              void action.run(async () => saveFile(`receipts-${desk.job.id}.json`, JSON.stringify(await desk.engine.receipts(), undefined, 2), "application/json"))
            }
          >
            {t.receipts}
          </button>
        </section>
      )}
    </Screen>
  );
}
