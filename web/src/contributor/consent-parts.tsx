// What a contributor is told about a job. One list of paragraphs: what is shown is what the record keeps.

import type { ClusterView, JobView } from "tacit-engine";
import { payText, text } from "../text/index.ts";
import { imageHosts } from "./desk.ts";

/** A heading with what stands under it: paragraphs, some of them as a list. */
export interface Part {
  title: string;
  list?: string[];
  lines: string[];
  isWarning?: boolean;
}

/** All parts, in the order in which they are shown. */
export function consentParts(job: JobView, cluster: ClusterView): Part[] {
  const t = text.consent;
  const { terms } = job;
  const hosts = imageHosts(job);
  const { issuers, question } = terms;
  const hasGoldShare = terms.release.includes("scores") && terms.gold !== undefined;
  return [
    {
      title: t.question,
      lines: [
        t.job(terms.name),
        question.text ?? t.noQuestion,
        t.answersAre(question.classes),
        t.items(terms.items, terms.answers_per_item),
        t.buyer(terms.buyer),
      ],
    },
    { title: t.pay, lines: job.pay === null ? [payText(job)] : [payText(job), t.payCounts] },
    {
      title: t.published,
      list: [t.aboutYou(issuers?.pool), ...terms.release.map((name) => t.release(name)), ...(hasGoldShare ? [t.goldShare] : [])],
      lines: [t.publishedWho(terms.public ?? false)],
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
    ...(hosts.length > 0 ? [{ title: t.images, lines: [t.imagesFrom(hosts)] }] : []),
    {
      title: t.operators,
      list: cluster.nodes.map((node) => t.node(node.operator, node.name, node.fingerprint)),
      lines: [
        t.operatorsLead(cluster.threshold, cluster.nodes.length),
        ...(issuers === undefined ? [] : [t.vouched(issuers.pool, issuers.need, issuers.keys)]),
        t.fact(t.digestWords, cluster.digestWords),
        t.fact(t.terms, job.digest),
      ],
    },
  ];
}

/** All paragraphs, as the record keeps them: those of the parts, the name, and the box that is ticked. */
export function consentTexts(job: JobView, cluster: ClusterView, contributor?: string): string[] {
  const t = text.consent;
  return [
    ...consentParts(job, cluster).flatMap(({ title, list, lines }) => [title, ...(list ?? []), ...lines]),
    ...(contributor === undefined ? [] : [t.as(contributor)]),
    ...(job.terms.sensitive ? [] : [t.agreePublic]),
  ];
}

/** The parts on the screen. */
export function ConsentParts({ job, cluster }: { job: JobView; cluster: ClusterView }) {
  return (
    <>
      {consentParts(job, cluster).map(({ title, list, lines, isWarning }) => (
        <section key={title} class={isWarning ? "part told warning" : "part told"}>
          <h2>{title}</h2>
          {list !== undefined && (
            <ul>
              {list.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          )}
          {lines.map((line) => (
            <p key={line} class={line === job.terms.question.text ? "question" : undefined}>
              {line}
            </p>
          ))}
        </section>
      ))}
    </>
  );
}
