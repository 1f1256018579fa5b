// The buyer's part: which screen is shown.

import { useEffect, useState } from "preact/hooks";
import type { CheckedJob } from "../engine/buyer-calls.ts";
import type { Engine } from "../engine/client.ts";
import { EngineFailure } from "../engine/messages.ts";
import type { BuyerRoute } from "../route.ts";
import { buyerText } from "../text/en-buyer.ts";
import { text } from "../text/index.ts";
import { Field, FileButton, Notice, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { readFile, saveFile } from "../ui/save-file.ts";
import { useScreen } from "../ui/screens.ts";
import { Create, Review } from "./create.tsx";
import type { BuyerDesk, LiveStatus } from "./desk.ts";
import { Entry } from "./entry.tsx";
import { EMPTY_FORM, type JobForm } from "./form.ts";
import { JobScreen } from "./job.tsx";
import "./buyer.css";

export function BuyerApp({ engine, route }: { engine: Engine; route: BuyerRoute }) {
  const [desk, setDesk] = useState<BuyerDesk | undefined>();
  const [at, goTo] = useScreen<"list" | "create" | "review" | { job: string }>(route.job === undefined ? "list" : { job: route.job });
  // Kept until the job is opened, whatever screen is shown meanwhile.
  const [form, setForm] = useState<JobForm>(EMPTY_FORM);
  const [checked, setChecked] = useState<CheckedJob | undefined>();
  if (desk === undefined) {
    return <Entry engine={engine} route={route} onDesk={setDesk} />;
  }
  if (at === "review" && checked !== undefined) {
    const open = (job: string) => {
      setForm(EMPTY_FORM);
      setChecked(undefined);
      goTo({ job }, "replace");
    };
    return <Review desk={desk} checked={checked} onCreated={open} onChange={() => goTo("create")} />;
  }
  if (at === "create" || at === "review") {
    const review = (job: CheckedJob) => {
      setChecked(job);
      goTo("review");
    };
    return <Create desk={desk} form={form} onForm={setForm} onChecked={review} onBack={() => goTo("list")} />;
  }
  if (at === "list") {
    return <JobList desk={desk} onCreate={() => goTo("create")} onOpen={(job) => goTo({ job })} />;
  }
  return <JobScreen key={at.job} desk={desk} job={at.job} onBack={() => goTo("list")} />;
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
  // A key that would take the place of another one, until the buyer has decided.
  const [other, setOther] = useState<Uint8Array | undefined>();
  const action = useAction();
  const save = () => void action.run(async () => saveFile("buyer.key", await desk.engine.buyerKeyFile(), "text/plain"));
  const forget = () => {
    other?.fill(0);
    setOther(undefined);
  };
  const take = (key: Uint8Array, replaces: boolean) =>
    void action.run(async () => {
      setImported(false);
      try {
        await desk.engine.importBuyerKey(key, replaces);
        key.fill(0);
        setOther(undefined);
        setImported(true);
      } catch (error) {
        if (!(error instanceof EngineFailure && error.code === "other_key")) {
          throw error;
        }
        setOther(key);
      }
    });
  return (
    <section class="part">
      <h2>{t.title}</h2>
      <p>{t.lead}</p>
      {action.error !== undefined && <Trouble error={action.error} />}
      {isImported && <Notice kind="good">{t.imported}</Notice>}
      <div class="actions">
        <button type="button" class="plain" onClick={save}>
          {t.save}
        </button>
        <FileButton label={t.import} onFiles={([file]) => file && void readFile(file).then((key) => take(key, false))} />
      </div>
      {other !== undefined && (
        <div class="ask" role="group" aria-label={t.import}>
          <p>{t.replaceAsk}</p>
          <button type="button" class="plain" onClick={save}>
            {t.save}
          </button>
          <button type="button" class="plain danger" disabled={action.isRunning} onClick={() => take(other, true)}>
            {t.replace}
          </button>
          <button type="button" class="plain" onClick={forget}>
            {t.keep}
          </button>
        </div>
      )}
    </section>
  );
}
