// One job: the link for contributors, live progress, closing with a look at what will be published, and the result.

import type { ReleaseName } from "tacit-engine";
import { useEffect, useState } from "preact/hooks";
import { buyerText } from "../text/en-buyer.ts";
import { text } from "../text/index.ts";
import { Notice, Progress, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { isFinal, type BuyerDesk, type LiveStatus } from "./desk.ts";
import { ResultView } from "./result.tsx";
import { ShareLinks } from "./share-links.tsx";

export function JobScreen({ desk, job, onBack }: { desk: BuyerDesk; job: string; onBack: () => void }) {
  const t = buyerText.job;
  const [status, setStatus] = useState<LiveStatus | undefined>();
  const [isLost, setLost] = useState(false);
  const [asks, setAsks] = useState<"close" | "cancel" | undefined>();
  const [hasGold, setHasGold] = useState(false);
  // What is followed and what somebody does go on at the same time: each has its own errors.
  const following = useAction();
  const action = useAction();
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    const onStatus = (live: LiveStatus) => {
      setLost(false);
      setStatus(live);
    };
    void following.run(() => desk.follow(job, abort.signal, onStatus, () => setLost(true)));
    return () => abort.abort();
  }, [desk, job, tries]);
  useEffect(() => void action.run(async () => setHasGold(await desk.hasGold(job))), [desk, job]);
  const followAgain = () => setTries((count) => count + 1);
  const sendGold = () =>
    void action.run(async () => {
      await desk.sendGold(job);
      setHasGold(await desk.hasGold(job));
    });
  const act = (request: () => Promise<LiveStatus>) =>
    void action.run(async () => {
      setStatus(await request());
      setAsks(undefined);
    });
  if (status === undefined) {
    return (
      <Screen title={job}>
        {following.error === undefined ? (
          <p role="status">{isLost ? t.lost : text.loading}</p>
        ) : (
          <Trouble error={following.error} onRetry={followAgain} />
        )}
        {action.error !== undefined && <Trouble error={action.error} />}
        <button type="button" class="plain" onClick={onBack}>
          {text.back}
        </button>
      </Screen>
    );
  }
  const wanted = status.items * status.answers_per_item;
  return (
    <Screen title={status.name} isWide={status.state === "published"}>
      <p class="lead state">{buyerText.states[status.state]}</p>
      {isLost && <Notice kind="info">{t.lost}</Notice>}
      {following.error !== undefined && <Trouble error={following.error} onRetry={followAgain} />}
      {action.error !== undefined && <Trouble error={action.error} />}
      {hasGold && !isFinal(status) && (
        <Notice kind="bad">
          <p>{t.gold}</p>
          <button type="button" class="plain" onClick={sendGold} disabled={action.isRunning}>
            {t.sendGold}
          </button>
        </Notice>
      )}
      {status.reason && (
        <Notice kind="bad">
          {t.reason}: {status.reason}
        </Notice>
      )}
      {status.state === "open" && <ShareLinks desk={desk} job={job} status={status} />}
      {status.state !== "published" && <Live status={status} wanted={wanted} />}
      {asks === "close" && (
        <section class="part warning" role="group" aria-label={t.closeTitle}>
          <CloseSummary
            desk={desk}
            job={job}
            status={status}
            wanted={wanted}
            isRunning={action.isRunning}
            onClose={() => act(() => desk.close(job))}
            onKeep={() => setAsks(undefined)}
          />
        </section>
      )}
      {asks === "cancel" && (
        <section class="part warning" role="group" aria-label={t.cancelTitle}>
          <p>{t.cancelTitle}</p>
          <div class="actions">
            <button type="button" class="plain danger" disabled={action.isRunning} onClick={() => act(() => desk.cancel(job, status))}>
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

/** What closing means. Nobody can close the job before it is there to be read what will be published. */
export function CloseSummary(props: {
  desk: BuyerDesk;
  job: string;
  status: LiveStatus;
  wanted: number;
  isRunning: boolean;
  onClose: () => void;
  onKeep: () => void;
}) {
  const t = buyerText.job;
  const { desk, job, status, wanted } = props;
  const [release, setRelease] = useState<ReleaseName[] | undefined>();
  const action = useAction();
  const load = () => void action.run(async () => setRelease(await desk.releases(job)));
  useEffect(load, [desk, job]);
  return (
    <>
      <h2>{t.closeTitle}</h2>
      <p>{t.closeLead}</p>
      {action.error !== undefined && <Trouble error={action.error} onRetry={load} />}
      {release === undefined ? (
        action.error === undefined && <p role="status">{t.closeLoading}</p>
      ) : (
        <>
          <p>{t.closeList}</p>
          <ul>
            {release.map((name) => (
              <li key={name}>{buyerText.create.releases[name]}</li>
            ))}
          </ul>
        </>
      )}
      {status.answers === 0 ? (
        <p>{t.closeNone}</p>
      ) : (
        <>
          {status.answers < wanted && <p>{t.closeFew(status.answers, wanted)}</p>}
          {status.comparable === false && <p>{t.closePairs}</p>}
        </>
      )}
      <div class="actions">
        <button type="button" class="main" onClick={props.onClose} disabled={release === undefined || props.isRunning}>
          {t.closeYes}
        </button>
        <button type="button" class="plain" onClick={props.onKeep}>
          {t.closeNo}
        </button>
      </div>
    </>
  );
}
