// One job: the link for contributors, live progress, closing with a look at what will be published, and the result.

import { useEffect, useState } from "preact/hooks";
import { buyerText } from "../text/en-buyer.ts";
import { text } from "../text/index.ts";
import { Notice, Progress, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { isFinal, type BuyerDesk, type LiveStatus } from "./desk.ts";
import { ResultView } from "./result.tsx";

export function JobScreen({ desk, job, onBack }: { desk: BuyerDesk; job: string; onBack: () => void }) {
  const t = buyerText.job;
  const [status, setStatus] = useState<LiveStatus | undefined>();
  const [isLost, setLost] = useState(false);
  const [asks, setAsks] = useState<"close" | "cancel" | undefined>();
  const action = useAction();
  useEffect(() => {
    const abort = new AbortController();
    const onStatus = (live: LiveStatus) => {
      setLost(false);
      setStatus(live);
    };
    void action.run(() => desk.follow(job, abort.signal, onStatus, () => setLost(true)));
    return () => abort.abort();
  }, [desk, job]);
  const act = (request: () => Promise<LiveStatus>) =>
    void action.run(async () => {
      setStatus(await request());
      setAsks(undefined);
    });
  if (status === undefined) {
    return (
      <Screen title={job}>
        {action.error === undefined ? <p role="status">{isLost ? t.lost : text.loading}</p> : <Trouble error={action.error} />}
        <button type="button" class="plain" onClick={onBack}>
          {text.back}
        </button>
      </Screen>
    );
  }
  const wanted = status.items * status.answers_per_item;
  return (
    <Screen title={status.name} isWide={status.state === "published"}>
      <p class="lead">{buyerText.states[status.state]}</p>
      {isLost && <Notice kind="info">{t.lost}</Notice>}
      {action.error !== undefined && <Trouble error={action.error} />}
      {status.reason && (
        <Notice kind="bad">
          {t.reason}: {status.reason}
        </Notice>
      )}
      {status.state === "open" && (
        <ShareLink desk={desk} job={job} status={status} />
      )}
      {status.state !== "published" && <Live status={status} wanted={wanted} />}
      {asks === "close" && (
        <section class="part warning" role="group" aria-label={t.closeTitle}>
          <CloseSummary desk={desk} job={job} status={status} wanted={wanted} />
          <div class="actions">
            <button type="button" class="main" onClick={() => act(() => desk.close(job))}>
              {t.closeYes}
            </button>
            <button type="button" class="plain" onClick={() => setAsks(undefined)}>
              {t.closeNo}
            </button>
          </div>
        </section>
      )}
      {asks === "cancel" && (
        <section class="part warning" role="group" aria-label={t.cancelTitle}>
          <p>{t.cancelTitle}</p>
          <div class="actions">
            <button type="button" class="plain danger" onClick={() => act(() => desk.cancel(job, status))}>
              {t.cancelYes}
            </button>
            <button type="button" class="plain" onClick={() => setAsks(undefined)}>
              {t.closeNo}
            </button>
          </div>
        </section>
      )}
      <div class="actions">
        {status.state === "open" && asks === undefined && (
          <button type="button" class="main" onClick={() => setAsks("close")}>
            {t.close}
          </button>
        )}
        {!isFinal(status) && asks === undefined && (
          <button type="button" class="plain" onClick={() => setAsks("cancel")}>
            {t.cancel}
          </button>
        )}
        <button type="button" class="plain" onClick={onBack}>
          {text.back}
        </button>
      </div>
      {status.state === "published" && <ResultView desk={desk} job={job} />}
    </Screen>
  );
}

/** The link for contributors, once it is sure of which job it is. */
function ShareLink({ desk, job, status }: { desk: BuyerDesk; job: string; status: LiveStatus }) {
  const t = buyerText.job;
  const [link, setLink] = useState<string | undefined>();
  const [isCopied, setCopied] = useState(false);
  const action = useAction();
  useEffect(() => {
    setLink(undefined);
    void action.run(async () => setLink(await desk.shareLink(job, status)));
  }, [desk, job, status.id, status.digest]);
  return (
    <section class="part">
      <h2>{t.share}</h2>
      {action.error !== undefined && <Trouble error={action.error} />}
      {link !== undefined && (
        <>
          <p class="code">{link}</p>
          <p class="hint">{t.shareHint}</p>
          <button type="button" class="plain" onClick={() => void navigator.clipboard.writeText(link).then(() => setCopied(true))}>
            {isCopied ? t.copied : t.copy}
          </button>
        </>
      )}
    </section>
  );
}

function Live({ status, wanted }: { status: LiveStatus; wanted: number }) {
  const t = buyerText.job;
  const facts: [string, number | undefined][] = [
    [t.contributors, status.contributors],
    [t.itemsDone, status.complete_items],
    [t.submissions, status.submissions],
    [t.delivered, status.delivered],
  ];
  return (
    <section class="part">
      <h2>{t.progress}</h2>
      <Progress value={Math.min(status.answers, wanted)} max={wanted} label={t.answers} />
      <p role="status">{buyerText.list.summary(status.answers, wanted)}</p>
      {status.phase !== undefined && status.state === "computing" && <p>{t.computing(status.phase)}</p>}
      <dl class="numbers">
        {facts.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value.toLocaleString("en-GB")}</dd>
            </div>
          ),
        )}
      </dl>
      {status.waiting_on.length > 0 && (
        <>
          <h3>{t.waitsFor}</h3>
          <ul>
            {status.waiting_on.map((one) => (
              <li key={one.node}>
                <strong>{one.node}</strong>: {one.reason}
                {one.needs_operator && ` (${t.needsOperator})`}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function CloseSummary({ desk, job, status, wanted }: { desk: BuyerDesk; job: string; status: LiveStatus; wanted: number }) {
  const t = buyerText.job;
  const [release, setRelease] = useState<string[] | undefined>();
  const action = useAction();
  useEffect(() => void action.run(async () => setRelease(await desk.releases(job))), [desk, job]);
  return (
    <>
      {action.error !== undefined && <Trouble error={action.error} />}
      <h2>{t.closeTitle}</h2>
      <p>{t.closeLead}</p>
      <ul>{release?.map((name) => <li key={name}>{buyerText.create.releases[name as keyof typeof buyerText.create.releases]}</li>)}</ul>
      {status.answers === 0 ? (
        <p>{t.closeNone}</p>
      ) : (
        <>
          {status.answers < wanted && <p>{t.closeFew(status.answers, wanted)}</p>}
          {status.answers <= status.items && <p>{t.closePairs}</p>}
        </>
      )}
    </>
  );
}
