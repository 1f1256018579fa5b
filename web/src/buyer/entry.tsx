// Which cluster, and the token.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Engine } from "../engine/client.ts";
import { NeedsClusterFile, NeedsConfirmation, openCluster, type Doubt, type Site } from "../open-cluster.ts";
import type { BuyerRoute } from "../route.ts";
import { buyerText } from "../text/en-buyer.ts";
import { text } from "../text/index.ts";
import { ClusterFacts } from "../contributor/cluster-facts.tsx";
import { later } from "../ui/later.tsx";
import { Field, FileButton, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { readFile } from "../ui/save-file.ts";
import { BuyerDesk } from "./desk.ts";

const ConfirmSite = later(async () => (await import("../contributor/confirm-site.tsx")).ConfirmSite);

export function Entry({ engine, route, onDesk }: { engine: Engine; route: BuyerRoute; onDesk: (desk: BuyerDesk) => void }) {
  const t = buyerText.entry;
  const [site, setSite] = useState<Site | undefined>();
  const [token, setToken] = useState("");
  const action = useAction();
  const chosen = useRef<Uint8Array | undefined>(undefined);
  const open = (file = chosen.current, accepted?: Doubt) => {
    chosen.current = file;
    void action.run(async () => setSite(await openCluster(engine, route, file, { accepted })));
  };
  useEffect(() => open(), []);
  if (site === undefined && action.error instanceof NeedsConfirmation) {
    return <ConfirmSite doubt={action.error.doubt} onAccept={(doubt) => open(undefined, doubt)} onFile={(file) => open(file)} />;
  }
  const chooser = <FileButton label={t.cluster} accept=".toml" onFiles={([file]) => file && void readFile(file).then(open)} />;
  return (
    <Screen title={t.title}>
      <p class="lead">{t.lead}</p>
      {site === undefined ? (
        <>
          {action.error instanceof NeedsClusterFile ? <p>{text.clusterFile[action.error.reason]}</p> : action.error !== undefined && <Trouble error={action.error} />}
          {chooser}
        </>
      ) : (
        <>
          <form
            class="part"
            onSubmit={(event) => {
              event.preventDefault();
              onDesk(new BuyerDesk(engine, site, token.trim()));
            }}
          >
            <Field label={t.token} hint={t.tokenHint} value={token} onInput={setToken} type="password" />
            <button type="submit" class="main">
              {t.go}
            </button>
          </form>
          <section class="part">
            <h2>{site.cluster.name}</h2>
            <p class="muted">
              {t.coordinator}: {site.coordinator}
            </p>
            <ClusterFacts cluster={site.cluster} />
          </section>
        </>
      )}
    </Screen>
  );
}
