// What a contributor is told about a job. One list of paragraphs: what is shown is what the record keeps.

import type { ClusterView, JobView } from "tacit-engine";
import { payText, text } from "../text/index.ts";
import { imageHosts } from "./desk.ts";
import { operators, operatorsToRead } from "./operators.ts";

/** A paragraph. What the buyer or the cluster file says in it is set apart, so that nothing in it passes for a part of the page: as a quotation, or in
 *  front of the page's own words. */
export type Line = string | { said: string; rest?: string };

/** A heading with what stands under it: paragraphs, some of them as a list. */
export interface Part {
  title: string;
  list?: Line[];
  lines: Line[];
  isWarning?: boolean;
}

/** All parts, in the order in which they are shown. `isPinned`: the link names the digest of the terms. */
export function consentParts(job: JobView, cluster: ClusterView, isPinned = true): Part[] {
  const t = text.consent;
  const { terms } = job;
  const hosts = imageHosts(job);
  const { question } = terms;
  const hasGoldShare = terms.release.includes("scores") && terms.gold !== undefined;
  return [
    ...(isPinned ? [] : [{ title: t.terms, lines: [t.notPinned], isWarning: true }]),
    {
      title: t.question,
      lines: [
        ...(question.text === undefined ? [t.job(terms.name), t.noQuestion] : [t.asks(terms.name), { said: question.text }]),
        t.answersAre(question.classes),
        t.items(terms.items, terms.answers_per_item),
      ],
    },
    { title: t.pay, lines: job.pay === null ? [payText(job)] : [payText(job), t.payCounts] },
    {
      title: t.published,
      list: [t.aboutYou(terms.issuers?.pool), ...terms.release.map((name) => t.release(name)), ...(hasGoldShare ? [t.goldShare] : [])],
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
    { title: t.until, lines: [job.closesAt === null ? t.closesByBuyer : t.closes(job.closesAt), t.takeBack, t.kept] },
    ...(hosts.length > 0 ? [{ title: t.images, lines: [t.imagesFrom(hosts)] }] : []),
    whoAsks(job),
    {
      title: t.operators,
      list: cluster.nodes.map((node) => ({ said: node.operator, rest: t.runs(node.name, node.fingerprint) })),
      lines: [
        t.operatorsLead(operators(cluster).length, cluster.nodes.length, operatorsToRead(cluster)),
        t.operatorsClaim,
        t.fact(t.digestWords, cluster.digestWords),
        t.fact(t.terms, job.digest),
      ],
    },
  ];
}

/** Whose keys have signed the job, and vouch for the people who answer. */
function whoAsks({ terms, buyerFingerprint, issuers }: JobView): Part {
  const t = text.consent;
  const lines = [t.buyer(buyerFingerprint, terms.buyer)];
  if (terms.issuers === undefined || issuers === null) {
    return { title: t.whoAsks, lines };
  }
  const { pool, need, keys } = terms.issuers;
  return { title: t.whoAsks, list: keys.map((key, index) => t.issuer(issuers.fingerprints[index] ?? "", key)), lines: [...lines, t.vouched(pool, need)] };
}

const asText = (line: Line): string => (typeof line === "string" ? line : [line.said, line.rest].filter((part) => part !== undefined).join(" "));

/** All paragraphs, as the record keeps them: those of the parts, the name, and the box that is ticked. */
export function consentTexts(job: JobView, cluster: ClusterView, { contributor, isPinned }: { contributor?: string; isPinned?: boolean } = {}): string[] {
  const t = text.consent;
  return [
    ...consentParts(job, cluster, isPinned).flatMap(({ title, list, lines }) => [title, ...[...(list ?? []), ...lines].map(asText)]),
    ...(contributor === undefined ? [] : [t.as(contributor)]),
    ...(job.terms.sensitive ? [] : [t.agreePublic]),
  ];
}

function Paragraph({ line }: { line: Line }) {
  return typeof line === "string" ? (
    <>{line}</>
  ) : (
    <>
      <bdi>{line.said}</bdi>
      {line.rest !== undefined && ` ${line.rest}`}
    </>
  );
}

/** The parts on the screen. */
export function ConsentParts({ job, cluster, isPinned }: { job: JobView; cluster: ClusterView; isPinned?: boolean }) {
  return (
    <>
      {consentParts(job, cluster, isPinned).map(({ title, list, lines, isWarning }) => (
        <section key={title} class={isWarning ? "part told warning" : "part told"}>
          <h2>{title}</h2>
          {list !== undefined && (
            <ul>
              {list.map((line) => (
                <li key={asText(line)}>
                  <Paragraph line={line} />
                </li>
              ))}
            </ul>
          )}
          {lines.map((line) =>
            typeof line === "object" && line.rest === undefined ? (
              <blockquote key={line.said} class="question quotation">
                <Paragraph line={line} />
              </blockquote>
            ) : (
              <p key={asText(line)}>
                <Paragraph line={line} />
              </p>
            ),
          )}
        </section>
      ))}
    </>
  );
}
