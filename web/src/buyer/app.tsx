// The buyer's part: which screen is shown.

import { useEffect, useState } from "preact/hooks";
import type { Engine } from "../engine/client.ts";
import type { BuyerRoute } from "../route.ts";
import { buyerText } from "../text/en-buyer.ts";
import { text } from "../text/index.ts";
import { Field, FileButton, Notice, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { readFile, saveFile } from "../ui/save-file.ts";
import { Create } from "./create.tsx";
import type { BuyerDesk, LiveStatus } from "./desk.ts";
import { Entry } from "./entry.tsx";
import { JobScreen } from "./job.tsx";
import "./buyer.css";

export function BuyerApp({ engine, route }: { engine: Engine; route: BuyerRoute }) {
  const [desk, setDesk] = useState<BuyerDesk | undefined>();
  const [at, setAt] = useState<"list" | "create" | { job: string }>(route.job === undefined ? "list" : { job: route.job });
  if (desk === undefined) {
    return <Entry engine={engine} route={route} onDesk={setDesk} />;
  }
  if (at === "create") {
    return <Create desk={desk} onCreated={(job) => setAt({ job })} onBack={() => setAt("list")} />;
  }
  if (at === "list") {
    return <JobList desk={desk} onCreate={() => setAt("create")} onOpen={(job) => setAt({ job })} />;
  }
  return <JobScreen key={at.job} desk={desk} job={at.job} onBack={() => setAt("list")} />;
}

function JobList({ desk, onCreate, onOpen }: { desk: BuyerDesk; onCreate: () => void; onOpen: (job: string) => void }) {
  const t = buyerText.list;
  const [jobs, setJobs] = useState<LiveStatus[] | undefined>();
  const [id, setId] = useState("");
  const action = useAction();
  const look = () => void action.run(async () => setJobs(await desk.jobs()));
  useEffect(look, [desk]);
  return (
    <Screen title={buyerText.title}>
      <div class="actions">
        <button type="button" class="main" onClick={onCreate} disabled={!desk.hasToken}>
          {t.create}
        </button>
        <button type="button" class="plain" onClick={look}>
          {t.refresh}
        </button>
      </div>
      {action.error !== undefined && <Trouble error={action.error} />}
      {jobs !== undefined && (
        <section class="part">
          {jobs.length === 0 ? (
            <p>{t.none}</p>
          ) : (
            <ul class="rows">
              {jobs.map((job) => (
                <li key={job.id}>
                  <button type="button" class="link" onClick={() => onOpen(job.id)}>
                    {job.name}
                  </button>
                  <span class="muted">
                    {buyerText.states[job.state]} · {t.summary(job.answers, job.items * job.answers_per_item)}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </section>
      )}
      <form
        class="part"
        onSubmit={(event) => {
          event.preventDefault();
          onOpen(id.trim());
        }}
      >
        <h2>{t.open}</h2>
        <Field label={t.id} value={id} onInput={setId} required />
        <button type="submit" class="plain">
          {text.start.open}
        </button>
      </form>
      <BuyerKey desk={desk} />
    </Screen>
  );
}

function BuyerKey({ desk }: { desk: BuyerDesk }) {
  const t = buyerText.key;
  const [isImported, setImported] = useState(false);
  const action = useAction();
  return (
    <section class="part">
      <h2>{t.title}</h2>
      <p>{t.lead}</p>
      {action.error !== undefined && <Trouble error={action.error} />}
      {isImported && <Notice kind="good">{t.imported}</Notice>}
      <div class="actions">
        <button
          type="button"
          class="plain"
          onClick={() => void action.run(async () => saveFile("buyer.key", await desk.engine.buyerKeyFile(), "text/plain"))}
        >
          {t.save}
        </button>
        <FileButton
          label={t.import}
          onFiles={([file]) =>
            void action.run(async () => {
              await desk.engine.importBuyerKey(file === undefined ? new Uint8Array() : await readFile(file));
              setImported(true);
            })
          }
        />
      </div>
    </section>
  );
}
