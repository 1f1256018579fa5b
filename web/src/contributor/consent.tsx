// What the job is, before anything is asked: one page to read and one action. The paragraphs shown here are kept with the signed record of
// consent.

import type { ClusterView, JobView } from "tacit-engine";
import { useState } from "preact/hooks";
import { payText, text } from "../text/index.ts";
import { Field, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { ClusterFacts } from "./cluster-facts.tsx";
import { imageHosts, type Desk } from "./desk.ts";

/** A heading with what stands under it. */
interface Part {
  title: string;
  lines: string[];
  isWarning?: boolean;
}

/** What a contributor is told about a job, in the order in which it is shown. */
export function consentParts(job: JobView, cluster: ClusterView): Part[] {
  const t = text.consent;
  const { terms } = job;
  const hosts = imageHosts(job);
  const parts: Part[] = [
    { title: t.pay, lines: job.pay === null ? [payText(job)] : [payText(job), t.payCounts] },
    {
      title: t.published,
      lines: [...terms.release.map((name) => `${t.release(name)}`), t.aboutYou, t.publishedWho(terms.public ?? false)],
    },
    terms.sensitive
      ? {
          title: t.hidden,
          lines: [
            t.hiddenSensitive(cluster.threshold, cluster.nodes.length),
            ...(job.floors === null ? [] : [t.hiddenFloors(job.floors.contributors)]),
          ],
        }
      : { title: t.visible, lines: [t.publicAnswers], isWarning: true },
    { title: t.until, lines: [job.closesAt === null ? t.closesByBuyer : t.closes(job.closesAt), t.takeBack] },
  ];
  if (hosts.length > 0) {
    parts.push({ title: t.images, lines: [t.imagesFrom(hosts)] });
  }
  return parts;
}

/** All paragraphs, as they are kept in the record. */
export function consentTexts(job: JobView, cluster: ClusterView): string[] {
  const t = text.consent;
  const nodes = cluster.nodes.map((node) => `${node.operator} (${node.name}, ${node.fingerprint})`);
  return [
    `${t.asks(job.terms.name)}: ${job.terms.question.text ?? t.noQuestion}`,
    t.answersAre(job.terms.question.classes),
    t.items(job.terms.items, job.terms.answers_per_item),
    ...consentParts(job, cluster).map(({ title, lines }) => `${title}: ${lines.join(" ")}`),
    `${t.operators}: ${nodes.join("; ")}. ${t.digestWords}: ${cluster.digestWords}`,
  ];
}

export function Consent({ desk, page, onAgreed }: { desk: Desk; page: string | null; onAgreed: () => void }) {
  const t = text.consent;
  const { job, cluster } = desk;
  const [name, setName] = useState("");
  const [understood, setUnderstood] = useState(false);
  const action = useAction();
  const needsName = desk.needsName;
  const agree = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      if (needsName) {
        await desk.enrol(name);
      }
      await desk.agree(consentTexts(job, cluster), page);
      onAgreed();
    });
  };
  const issuers = job.terms.issuers;
  return (
    <Screen title={t.title}>
      <div class="question-card">
        <p class="muted">{t.asks(job.terms.name)}</p>
        <p class="question">{job.terms.question.text ?? t.noQuestion}</p>
        <p>{t.answersAre(job.terms.question.classes)}</p>
        <p class="muted">{t.items(job.terms.items, job.terms.answers_per_item)}</p>
      </div>
      {consentParts(job, cluster).map((part) => (
        <section key={part.title} class={part.isWarning ? "part warning" : "part"}>
          <h2>{part.title}</h2>
          {part.title === t.published ? (
            <>
              <ul>
                {job.terms.release.map((release) => (
                  <li key={release}>{t.release(release)}</li>
                ))}
              </ul>
              {part.lines.slice(job.terms.release.length).map((line) => (
                <p key={line}>{line}</p>
              ))}
            </>
          ) : (
            part.lines.map((line) => <p key={line}>{line}</p>)
          )}
        </section>
      ))}
      <section class="part">
        <h2>{t.operators}</h2>
        <p>{t.operatorsLead(cluster.threshold, cluster.nodes.length)}</p>
        {issuers !== undefined && <p>{t.vouched(issuers.pool, issuers.need)}</p>}
        <ClusterFacts cluster={cluster} terms={job.digest} />
      </section>
      <form class="agree" onSubmit={agree}>
        {needsName ? (
          <Field label={text.access.name} hint={text.access.nameHint} value={name} onInput={setName} required autocomplete="nickname" />
        ) : (
          <p>{t.as(desk.identity?.contributor ?? "")}</p>
        )}
        {!job.terms.sensitive && (
          <label class="check">
            <input type="checkbox" checked={understood} required onChange={(event) => setUnderstood(event.currentTarget.checked)} />
            <span>{t.agreePublic}</span>
          </label>
        )}
        {action.error !== undefined && <Trouble error={action.error} />}
        <button type="submit" class="main" disabled={action.isRunning}>
          {t.agree}
        </button>
        <p class="hint">{t.record}</p>
      </form>
    </Screen>
  );
}
