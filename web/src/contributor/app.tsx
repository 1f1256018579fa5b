// The contributor's part: which screen is shown.

import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { Engine } from "../engine/client.ts";
import { NeedsClusterFile, NeedsConfirmation, type Doubt } from "../open-cluster.ts";
import { jobFragment, type JobRoute } from "../route.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import { text } from "../text/index.ts";
import { later } from "../ui/later.tsx";
import { FileButton, Notice, Screen, Trouble, useAction, useOnline } from "../ui/parts.tsx";
import { readFile } from "../ui/save-file.ts";
import { Access } from "./access.tsx";
import { repeatWithdrawals } from "./afterwards.ts";
import { Answer } from "./answer.tsx";
import { ClusterFacts } from "./cluster-facts.tsx";
import { Consent, consentTexts } from "./consent.tsx";
import { Desk, type Need } from "./desk.ts";
import { Elsewhere } from "./elsewhere.tsx";
import { Send } from "./send.tsx";

/** What is not needed for the first answer. */
const After = later(async () => (await import("./after.tsx")).After);
const ConfirmSite = later(async () => (await import("./confirm-site.tsx")).ConfirmSite);
const KeyScreen = later(async () => (await import("./key.tsx")).KeyScreen);

type At = "opening" | "access" | "consent" | "answer" | "send" | "after" | "key" | "about";

const PARTS = ["answer", "send", "after", "key", "about"] as const;

export function ContributorApp({ engine, store, route, page }: { engine: Engine; store: SealedStore; route: JobRoute; page: string | null }) {
  const desk = useMemo(() => new Desk(engine, store, route), [engine, store, route]);
  const [at, setAt] = useState<At>("opening");
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const action = useAction();
  const isOnline = useOnline();
  const goOn = (need: Need) => {
    // The address names the cluster from now on, so that the job opens again without a network, and only with the same keys.
    const { cluster, coordinator } = desk;
    history.replaceState(null, "", jobFragment({ ...route, cluster: cluster.digest, coordinator, invitation: undefined }));
    setAt(need === "nothing" ? "answer" : need);
    if (need === "nothing") {
      void desk
        .look()
        .then(() => repeatWithdrawals(desk))
        .then(() => redraw(undefined));
    }
  };
  const chosen = useRef<Uint8Array | undefined>(undefined);
  const open = (file = chosen.current, accepted?: Doubt) => {
    chosen.current = file;
    void action.run(async () => goOn(await desk.open(file, accepted)));
  };
  useEffect(() => open(), [desk]);

  if (at === "opening") {
    if (action.error instanceof NeedsConfirmation) {
      return <ConfirmSite doubt={action.error.doubt} onAccept={(doubt) => open(undefined, doubt)} onFile={(file) => open(file)} />;
    }
    if (action.error instanceof NeedsClusterFile) {
      return (
        <Screen title={text.clusterFile.title}>
          <p class="lead">{text.clusterFile[action.error.reason]}</p>
          <FileButton label={text.clusterFile.choose} accept=".toml" onFiles={([file]) => file && void readFile(file).then(open)} />
        </Screen>
      );
    }
    return action.error === undefined ? (
      <p class="opening" role="status">
        {text.loading}
      </p>
    ) : (
      <Screen title={text.problem.title}>
        <Trouble error={action.error} onRetry={() => open()} />
      </Screen>
    );
  }
  if (at === "access") {
    return <Access desk={desk} pool={desk.poolAsked} onDone={goOn} />;
  }
  if (at === "consent") {
    return <Consent desk={desk} page={page} onAgreed={() => goOn("nothing")} />;
  }
  return (
    <>
      <nav class="parts" aria-label={text.nav.label}>
        {PARTS.map((part) => (
          <button key={part} type="button" aria-current={at === part ? "page" : undefined} onClick={() => setAt(part)}>
            {text.nav[part]}
          </button>
        ))}
      </nav>
      {!isOnline && <Notice kind="info">{text.offline}</Notice>}
      {desk.hasHostChanged && <Notice kind="bad">{text.hostFileChanged}</Notice>}
      {(at === "answer" || at === "send") && <Elsewhere desk={desk} onChanged={() => redraw(undefined)} />}
      {at === "answer" && desk.sitting && <Answer desk={desk} sitting={desk.sitting} onSend={() => setAt("send")} />}
      {at === "send" && <Send desk={desk} onChanged={() => redraw(undefined)} onAnswer={() => setAt("answer")} onAfter={() => setAt("after")} />}
      {at === "after" && <After desk={desk} onChanged={() => redraw(undefined)} />}
      {at === "key" && <KeyScreen desk={desk} />}
      {at === "about" && (
        <Screen title={desk.job.terms.name}>
          {consentTexts(desk.job, desk.cluster)
            .slice(0, -1)
            .map((line) => (
              <p key={line}>{line}</p>
            ))}
          <section class="part">
            <h2>{text.consent.operators}</h2>
            <ClusterFacts cluster={desk.cluster} terms={desk.job.digest} />
          </section>
        </Screen>
      )}
    </>
  );
}
