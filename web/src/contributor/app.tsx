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
import { useScreen } from "../ui/screens.ts";
import { Consent } from "./consent.tsx";
import { ConsentParts } from "./consent-parts.tsx";
import { Desk, type Need } from "./desk.ts";

/** What is asked of few people, before anything else is shown. */
const ConfirmSite = later(async () => (await import("./confirm-site.tsx")).ConfirmSite);

type Later = typeof import("./later.ts");
type At = "opening" | "access" | "consent" | "person" | "ended" | "answer" | "send" | "after" | "key" | "about";

const PARTS = ["answer", "send", "after", "key", "about"] as const;

export function ContributorApp({ engine, store, route, page }: { engine: Engine; store: SealedStore; route: JobRoute; page: string | null }) {
  const [asksWho, setAsksWho] = useState(0);
  const desk = useMemo(() => new Desk(engine, store, route, asksWho > 0), [engine, store, route, asksWho]);
  const [at, goTo, forgetScreens] = useScreen<At>("opening");
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [screens, setScreens] = useState<Later | undefined>();
  const loading = useAction();
  const action = useAction();
  const isOnline = useOnline();
  const goOn = (need: Need) => {
    // The address names the cluster from now on, so that the job opens again without a network, and only with the same keys.
    const { cluster, coordinator } = desk;
    history.replaceState(null, "", jobFragment({ ...route, cluster: cluster.digest, coordinator, invitation: undefined }));
    goTo(need === "nothing" ? "answer" : need, "replace");
    if (need === "nothing") {
      void desk
        .look()
        .then(async () => (await import("./later.ts")).repeatWithdrawals(desk))
        .then(() => redraw(undefined));
    }
  };
  const chosen = useRef<Uint8Array | undefined>(undefined);
  const open = (file = chosen.current, accepted?: Doubt) => {
    chosen.current = file;
    void action.run(async () => goOn(await desk.open(file, accepted)));
  };
  useEffect(() => {
    open();
    return () => desk.close();
  }, [desk]);
  const askWho = () => {
    // The screens so far are those of the person who has answered until now.
    forgetScreens();
    goTo("opening", "replace");
    setAsksWho((count) => count + 1);
  };
  const loadLater = () =>
    void loading.run(async () => {
      const loaded = await import("./later.ts");
      setScreens(() => loaded);
    });
  useEffect(() => {
    if (at !== "opening" && screens === undefined) {
      loadLater();
    }
  }, [at === "opening"]);

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
      <Opening />
    ) : (
      <Screen title={text.problem.title}>
        <Trouble error={action.error} onRetry={() => open()} />
      </Screen>
    );
  }
  if (at === "consent") {
    return <Consent desk={desk} page={page} onAgreed={() => goOn("nothing")} />;
  }
  if (screens === undefined && at !== "about") {
    return loading.error === undefined ? <Opening /> : <Trouble error={loading.error} onRetry={loadLater} />;
  }
  if (screens !== undefined && at === "person") {
    return <screens.People desk={desk} onDone={goOn} />;
  }
  if (screens !== undefined && at === "ended") {
    return <screens.After desk={desk} onChanged={() => redraw(undefined)} />;
  }
  if (screens !== undefined && at === "access") {
    return <screens.Access desk={desk} pool={desk.poolAsked} onDone={goOn} />;
  }
  return (
    <>
      <nav class="parts" aria-label={text.nav.label}>
        {PARTS.map((part) => (
          <button key={part} type="button" aria-current={at === part ? "page" : undefined} onClick={() => at !== part && goTo(part)}>
            {text.nav[part]}
          </button>
        ))}
      </nav>
      {!isOnline && <Notice kind="info">{text.offline}</Notice>}
      {desk.hasHostChanged && <Notice kind="bad">{text.hostFileChanged}</Notice>}
      {screens && (at === "answer" || at === "send") && <screens.Elsewhere desk={desk} onChanged={() => redraw(undefined)} />}
      {screens && at === "answer" && desk.sitting && <screens.Answer desk={desk} sitting={desk.sitting} onSend={() => goTo("send")} />}
      {screens && at === "send" && <screens.Send desk={desk} onAnswer={() => goTo("answer")} onAfter={() => goTo("after")} onKey={() => goTo("key")} />}
      {screens && at === "after" && <screens.After desk={desk} onChanged={() => redraw(undefined)} />}
      {screens && at === "key" && <screens.KeyScreen desk={desk} onRemoved={() => location.reload()} onOther={askWho} />}
      {at === "about" && (
        <Screen title={desk.job.terms.name}>
          <ConsentParts job={desk.job} cluster={desk.cluster} isPinned={desk.isPinned} />
        </Screen>
      )}
    </>
  );
}

function Opening() {
  return (
    <p class="opening" role="status">
      {text.loading}
    </p>
  );
}
