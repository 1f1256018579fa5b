// The first screen of an address without a job: where to paste a link, and the jobs that were opened here.

import { useEffect, useState } from "preact/hooks";
import { jobFragment, readRoute } from "./route.ts";
import { listJobs } from "./storage/job-record.ts";
import type { SealedStore } from "./storage/sealed-store.ts";
import { text } from "./text/index.ts";
import { Field, Screen } from "./ui/parts.tsx";

export function Start({ store }: { store: SealedStore }) {
  const t = text.start;
  const [link, setLink] = useState("");
  const [isWrong, setWrong] = useState(false);
  const [jobs, setJobs] = useState<Awaited<ReturnType<typeof listJobs>>>([]);
  useEffect(() => void listJobs(store).then(setJobs), [store]);
  const open = (event: Event) => {
    event.preventDefault();
    const fragment = link.slice(Math.max(link.indexOf("#"), 0)).trim();
    if (readRoute(fragment).kind === "job") {
      location.hash = fragment;
    } else {
      setWrong(true);
    }
  };
  return (
    <Screen title={t.title}>
      <p class="lead">{t.lead}</p>
      {jobs.length > 0 && (
        <section class="part">
          <h2>{t.known}</h2>
          <ul class="rows">
            {jobs.map(({ cluster, job, person, record }) => (
              <li key={`${cluster}/${job}/${person}`}>
                <a href={jobFragment({ cluster, job, coordinator: record.coordinator })}>{record.name}</a>
                <span class="muted">{t.knownAs(job, record.contributor)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <form class="part" onSubmit={open}>
        <h2>{t.link}</h2>
        <Field label={t.linkLabel} hint={t.linkHint} value={link} onInput={setLink} error={isWrong ? t.linkWrong : undefined} required rows={3} />
        <button type="submit" class="main">
          {t.open}
        </button>
      </form>
      <p>
        <a href="#buyer">{t.buyer}</a>
      </p>
    </Screen>
  );
}
