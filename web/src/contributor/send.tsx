// Sending: the shares are made in the worker, and progress is shown. Only one tab sends at a time.

import { useEffect, useState } from "preact/hooks";
import { Api } from "../http/api.ts";
import { text } from "../text/index.ts";
import { Notice, Progress, Screen, Trouble, useAction, useOnline } from "../ui/parts.tsx";
import { saveFile } from "../ui/save-file.ts";
import type { Desk } from "./desk.ts";
import { sendAll, type SendProgress } from "./sending.ts";

/** Sends all that waits, one tab at a time. */
async function send(desk: Desk, total: number, report: (progress: SendProgress) => void): Promise<number> {
  const { engine } = desk;
  return navigator.locks.request(`tacit-send/${desk.place.cluster}/${desk.place.job}`, () =>
    sendAll(
      {
        freshKeys: async () => engine.takeSealingKeys(await new Api(desk.coordinator).cluster()),
        next: () => engine.nextSubmission(desk.aside),
        send: (ready) => desk.api.submit(desk.job.id, ready.id, ready.body),
        settle: (id, receipt) => engine.settle(id, receipt),
        discard: (id) => engine.discard(id),
        pause: (seconds) => new Promise((done) => setTimeout(done, seconds * 1000)),
      },
      total,
      report,
    ),
  );
}

export function Send({ desk, onChanged, onAnswer, onAfter }: { desk: Desk; onChanged: () => void; onAnswer: () => void; onAfter: () => void }) {
  const t = text.send;
  const [progress, setProgress] = useState<SendProgress | undefined>();
  const [sent, setSent] = useState<number | undefined>();
  const [hasFailed, setFailed] = useState(false);
  const action = useAction();
  const isOnline = useOnline();
  const made = desk.submissions.filter((one) => one.state === "made").reduce((sum, one) => sum + one.items.length, 0);
  const waiting = (desk.sitting?.waiting ?? 0) + made;
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (progress !== undefined) {
        event.preventDefault();
      }
    };
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [progress]);
  const begin = () =>
    void action.run(async () => {
      setSent(undefined);
      setFailed(false);
      try {
        setSent(await send(desk, waiting, setProgress));
      } catch (error) {
        setFailed(true);
        throw error;
      } finally {
        setProgress(undefined);
        await desk.load();
        onChanged();
      }
    });
  const acknowledged = desk.submissions.filter((one) => one.state !== "made");
  return (
    <Screen title={t.title}>
      {waiting > 0 ? <p class="lead">{t.lead(waiting)}</p> : sent === undefined && <p class="lead">{t.nothing}</p>}
      {!isOnline && <Notice kind="info">{text.offline}</Notice>}
      {hasFailed && <Notice kind="bad">{t.failed}</Notice>}
      {action.error !== undefined && <Trouble error={action.error} />}
      {progress !== undefined && (
        <div class="sending">
          <Progress value={progress.sent} max={progress.total} label={t.progress(progress.sent, progress.total)} />
          <p role="status">{progress.step === "preparing" ? t.preparing : progress.step === "sending" ? t.sending : t.waiting}</p>
          <p class="muted">{t.progress(progress.sent, progress.total)}</p>
        </div>
      )}
      {sent !== undefined && <Notice kind="good">{t.done(sent)}</Notice>}
      <div class="actions">
        {waiting > 0 && (
          <button type="button" class="main" onClick={begin} disabled={action.isRunning}>
            {t.begin(waiting)}
          </button>
        )}
        {sent !== undefined && (
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
                <span>{text.after.submission(one.items.length, new Date(one.made).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }))}</span>
                <span class="muted">{text.after.state[one.state]}</span>
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
