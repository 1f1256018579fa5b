// What the job is, before anything is asked: one page to read and one action. What is kept as the record of consent are the paragraphs shown here.

import type { ClusterView, JobView } from "tacit-engine";
import { useState } from "preact/hooks";
import { payText, text } from "../text/index.ts";
import { Field, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { ClusterFacts } from "./cluster-facts.tsx";
import { imageHosts, type Desk } from "./desk.ts";
import { operators, operatorsToRead } from "./operators.ts";

/** A heading with what stands under it. */
interface Part {
  title: string;
  lines: string[];
  isWarning?: boolean;
}

/** Whose keys have signed the job, and vouch for the people who answer. */
function whoAsks({ terms, buyerFingerprint, issuers }: JobView): Part {
  const t = text.consent;
  const vouching = terms.issuers && issuers ? [t.issuerKeys(terms.issuers.pool, terms.issuers.need, issuers.fingerprints)] : [];
  return { title: t.whoAsks, lines: [t.buyerKey(buyerFingerprint), ...vouching] };
}

/** What a contributor is told about a job, in the order in which it is shown. */
export function consentParts(job: JobView, cluster: ClusterView, isPinned = true): Part[] {
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
  parts.push(whoAsks(job));
  return isPinned ? parts : [{ title: t.terms, lines: [t.notPinned], isWarning: true }, ...parts];
}

/** All paragraphs, as they are kept in the record. */
export function consentTexts(job: JobView, cluster: ClusterView, isPinned = true): string[] {
  const t = text.consent;
  const nodes = cluster.nodes.map((node) => `${node.operator} (${node.name}, ${node.fingerprint})`);
  return [
    `${t.asks(job.terms.name)}: ${job.terms.question.text ?? t.noQuestion}`,
    t.answersAre(job.terms.question.classes),
    t.items(job.terms.items, job.terms.answers_per_item),
    ...consentParts(job, cluster, isPinned).map(({ title, lines }) => `${title}: ${lines.join(" ")}`),
    `${t.operators}: ${t.operatorsLead(operators(cluster).length, nodes.length, operatorsToRead(cluster))} ${t.operatorsClaim} ${nodes.join("; ")}. ${t.digestWords}: ${cluster.digestWords}`,
  ];
}

export function Consent({ desk, page, onAgreed }: { desk: Desk; page: string | null; onAgreed: () => void }) {
  const t = text.consent;
  const { job, cluster } = desk;
  const isPinned = desk.route.terms !== undefined;
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
      await desk.agree(consentTexts(job, cluster, isPinned), page);
      onAgreed();
    });
  };
  const issuers = job.terms.issuers;
  return (
    <Screen title={t.title}>
      <div class="question-card">
        <p class="muted">{t.asks(job.terms.name)}</p>
        {job.terms.question.text === undefined ? (
          <p class="question">{t.noQuestion}</p>
        ) : (
          <blockquote class="question quotation">
            <bdi>{job.terms.question.text}</bdi>
          </blockquote>
        )}
        <p>{t.answersAre(job.terms.question.classes)}</p>
        <p class="muted">{t.items(job.terms.items, job.terms.answers_per_item)}</p>
      </div>
      {consentParts(job, cluster, isPinned).map((part) => (
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
