// Starts the page: reads the address, starts the worker, pins the version, shows the part that was asked for.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ContributorApp } from "./contributor/app.tsx";
import { startEngine, type Engine } from "./engine/client.ts";
import { isFramed, readRoute, withoutInvitation, type Route } from "./route.ts";
import { SealedStore } from "./storage/sealed-store.ts";
import { text } from "./text/index.ts";
import { later } from "./ui/later.tsx";
import { Notice, Screen, Trouble } from "./ui/parts.tsx";
import { OwnVersion, VersionNotice } from "./version/notice.tsx";
import { pin, type Versions } from "./version/pin.ts";
import "./ui/style.css";

/** Whoever opens a link to a job does not need it. */
const Start = later(async () => (await import("./start.tsx")).Start);

type BuyerApp = typeof import("./buyer/app.tsx").BuyerApp;

function Page({ engine, store, route }: { engine: Engine; store: SealedStore; route: Route }) {
  const [versions, setVersions] = useState<Versions | undefined>();
  const [Buyer, setBuyer] = useState<{ App: BuyerApp } | undefined>();
  const [failure, setFailure] = useState<unknown>();
  useEffect(() => {
    const alarm = () => setVersions((versions) => ({ pinned: null, offered: null, ...versions, isReplaced: true }));
    pin(alarm).then(
      (found) => setVersions((before) => ({ ...found, ...(before?.isReplaced && { isReplaced: true }) })),
      () => setVersions({ pinned: null, offered: null }),
    );
    if (route.kind === "buyer") {
      import("./buyer/app.tsx").then(({ BuyerApp }) => setBuyer({ App: BuyerApp }), setFailure);
    }
  }, [route]);
  const page = versions?.pinned ?? null;
  return (
    <>
      <a class="skip-link" href="#content" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>("main")?.focus())}>
        {text.skipToContent}
      </a>
      <header class="top">
        <a class="mark" href="#">
          {text.app}
        </a>
      </header>
      <VersionNotice versions={versions} />
      <main id="content" tabIndex={-1}>
        {failure !== undefined && <Trouble error={failure} />}
        {route.kind === "start" && <Start store={store} />}
        {route.kind === "wrong" && (
          <Screen title={text.wrongAddress.title}>
            <p class="lead">{text.wrongAddress.detail(route.field)}</p>
          </Screen>
        )}
        {route.kind === "job" && <ContributorApp engine={engine} store={store} route={route} page={page} />}
        {route.kind === "buyer" && Buyer && <Buyer.App engine={engine} route={route} />}
      </main>
      <footer>
        <p>{text.footer.privacy}</p>
        <OwnVersion version={page} />
      </footer>
    </>
  );
}

async function start(): Promise<void> {
  const hash = location.hash;
  // Before anything else: the code of an invitation is in the memory of this page only from here on, not in the address bar, the history, or a link that is
  // copied.
  history.replaceState(null, "", location.pathname + location.search + withoutInvitation(hash).replace(/^#$/, ""));
  const place = document.querySelector("#page");
  // Hosts that send no headers cannot forbid that another page frames this one, and lays something over its buttons.
  if (place === null || isFramed(window)) {
    return;
  }
  document.documentElement.lang = text.language;
  if (!isSecureContext) {
    render(
      <Screen title={text.insecure.title}>
        <Notice kind="bad">{text.insecure.detail}</Notice>
      </Screen>,
      place,
    );
    return;
  }
  const route = readRoute(hash);
  // Another job may need another coordinator, which the policy of this document does not allow.
  addEventListener("hashchange", () => location.reload());
  try {
    const store = await SealedStore.open();
    render(<Page engine={startEngine(route.kind === "buyer" ? "buyer" : "contributor")} store={store} route={route} />, place);
  } catch (error) {
    render(
      <Screen title={text.problem.title}>
        <Trouble error={error} />
      </Screen>,
      place,
    );
  }
}

void start();
