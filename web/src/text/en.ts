// All English texts of the contributor's part and of what both parts share. Plain words, short sentences. The buyer's texts are in en-buyer.ts, which
// contributors do not load, those of later screens in en-later.ts.

import type { JobView, ReleaseName } from "tacit-engine";
import { money } from "../ui/money.ts";
import { moment } from "../ui/moment.ts";

export const count = (number: number, one: string, many: string): string => `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;
export const answers = (number: number): string => count(number, "answer", "answers");

const RELEASES: Record<ReleaseName, string> = {
  labels: "Of all contributors together: the most common answer to each item.",
  agreement: "Of all contributors together: how far they agreed.",
  class_totals: "Of all contributors together: how often each answer was given.",
  scores: "About you: how far your answers agree with those of others, as scores.",
  payouts: "About you: your pay.",
};

export const en = {
  language: "en",
  app: "Tacit",
  loading: "Opening…",
  back: "Back",
  retry: "Try again",
  close: "Close",
  offline: "You are offline. Answers stay on this device until you send them.",
  hostFileChanged:
    "The site that serves this page offers another cluster file than before. Your job stays with the operators that you have agreed to. Ask them why the file has changed.",
  skipToContent: "Skip to content",

  start: {
    title: "Answer without being seen",
    lead: "This page splits your answers into parts on this device. It sends each part to a different organisation. One part alone says nothing about your answers.",
    link: "Open a job",
    linkHint: "Paste the link that you were given.",
    linkLabel: "Link",
    linkWrong: "This is not a link to a job. It should contain #cluster=… and job=…",
    open: "Open",
    known: "Jobs on this device",
    knownAs: (job: string, contributor: string) => `${job}, as “${contributor}”`,
    buyer: "I am a buyer",
  },
  wrongAddress: {
    title: "This link is damaged",
    detail: (field: string) => `The part “${field}” of the link cannot be read. Copy the whole link again, or ask for a new one.`,
  },
  insecure: {
    title: "This page needs a secure connection",
    detail: "Keys can only be kept safely on a page that is opened with https:// or from your own machine.",
  },
  clusterFile: {
    title: "Which cluster is it?",
    unknown: "The link does not say who runs the nodes, or this device could not find out. Open the file cluster.toml that the operators have published.",
    "other-file": "This is not the cluster file that the link names. Do not use this file. Ask the person who gave you the link.",
    "no-address": "The cluster file has no safe address of the coordinator. Ask for a link that contains coordinator=https://…",
    choose: "Open cluster.toml",
  },
  access: {
    title: "Who are you here?",
    unknown: "The coordinator shows this job only to people who may answer it. If you have an invitation code, enter it. If you have none, enter a name and enrol.",
    issuers: (pool: string) => `This job is for the people of “${pool}”. Enter the invitation code that you got from them.`,
    ended: "The job has ended. To see what counted and what you are paid, use the key with which you have answered.",
    known: "Keys on this device",
    knownHint: "Choose the one that is yours.",
    code: "Invitation code",
    codeHint: "It is used once, on this device, and is not stored.",
    useCode: "Use this code",
    name: "Your name here",
    nameHint: "It is published with the result. It does not have to be your real name.",
    enrol: "Enrol under this name",
    import: "I have answered on another device",
    stillUnknown: "The coordinator still does not show the job. The code may have expired, or the link may be for another job.",
  },
  consent: {
    title: "Before you begin",
    question: "What you are asked",
    job: (name: string) => `Job: ${name}`,
    asks: (name: string) => `“${name}” asks you, in the buyer’s words:`,
    noQuestion: "The buyer has given no question text. Each item shows what it is about.",
    items: (items: number, each: number) => `There ${items === 1 ? "is" : "are"} ${count(items, "item", "items")}. Up to ${count(each, "person answers", "people answer")} each item. You may stop at any time.`,
    answersAre: (classes: string[]) =>
      classes.length <= 12 ? `Possible answers: ${classes.join(", ")}.` : `There are ${classes.length} possible answers.`,
    pay: "Your pay",
    payNone: "This job pays nothing.",
    payFlat: (base: number, currency: string) => `${money(base, currency)} for each answer that counts.`,
    payAgreement: (base: number, bonus: number, currency: string) =>
      `${money(base, currency)} for each answer that counts, and a bonus of up to ${money(bonus, currency)} for each. The more your answers agree with the answers of others to the same items, the higher the bonus is.`,
    payBeyond: (base: number, bonus: number, currency: string) =>
      `${money(base, currency)} for each answer that counts, and up to ${money(bonus, currency)} more or less for each. You get more if your answers agree with those of others more often than guesses would, and less if they agree less often.`,
    payGold: (base: number, bonus: number, currency: string) =>
      `${money(base, currency)} for each answer that counts, and up to ${money(bonus, currency)} more or less for each: some items have a known answer. The buyer knows which items these are, and you are not told. You get more if your answers to them are right, and less if they are wrong.`,
    payCounts: "An answer counts if it is your first answer to the item and the item did not have all its answers before. Everybody who has the result can work the pay out again.",
    published: "What is published",
    publishedWho: (isPublic: boolean) => (isPublic ? "Anybody can read it." : "The buyer can read it, and can show it to anybody."),
    release: (name: ReleaseName) => RELEASES[name],
    goldShare: "About you: how many of the answers that the buyer knew you have right, as a share.",
    aboutYou: (pool: string | undefined) =>
      `About you: ${pool === undefined ? "your name here" : `your number in “${pool}”`}, the public half of your key, and how many of your answers count.`,
    hidden: "What is not published",
    hiddenSensitive: (threshold: number, nodes: number) =>
      `Your single answers. They leave this device only as ${count(nodes, "part", "parts")}, one for each node. ` +
      `Neither the buyer nor the coordinator nor ${threshold === 1 ? "any one node" : `any ${threshold} nodes together`} can read them.`,
    hiddenFloors: (people: number) => `Nothing is published before ${count(people, "person has", "people have")} answered. Sums carry small random errors, so that they do not show what one person has answered.`,
    visible: "Your answers may become visible",
    publicAnswers:
      "The buyer says that answers to this job are not sensitive. What is published may show what each contributor answered. Treat your answers as public.",
    agreePublic: "I understand that my answers may become visible.",
    until: "Until when",
    closes: (seconds: number) => `The job closes on ${moment(seconds)}, or when the buyer closes it, or when every item has its answers. The first of these counts.`,
    closesByBuyer: "The job closes when the buyer closes it, or when every item has its answers.",
    takeBack: "You can take back what you have sent until the job closes. The nodes then compute the result, and nothing can be taken back any more.",
    kept: "The nodes keep your sealed answers until the job has ended, at most 90 days. The coordinator keeps your name, key and pay for a year after that, unless their operators say otherwise.",
    images: "Pictures",
    imagesFrom: (hosts: string[]) =>
      `Pictures come from ${hosts.join(", ")}. Whoever runs ${hosts.length === 1 ? "this host" : "these hosts"} sees your network address, that you take part, and how far you ` +
      `are in steps of 20 items, and may tell the buyer. By the times, the buyer may find out which contributor you are and how long you take. Nobody sees your answers there.`,
    operators: "Who runs the nodes",
    operatorsLead: (operators: number, nodes: number, toRead: number) =>
      `${count(nodes, "node computes", "nodes compute")} the result, run by ${count(operators, "organisation", "organisations")}, as the cluster file says. ` +
      (toRead === 1
        ? "One of these organisations can see your answers by itself."
        : `At least ${toRead} of these organisations would have to act together to see an answer.`),
    operatorsClaim: "The names are what the cluster file claims. What holds is the digest: compare its words with operators whom you know.",
    runs: (name: string, fingerprint: string) => `runs ${name}. Fingerprint: ${fingerprint}`,
    whoAsks: "Who asks",
    buyer: (fingerprint: string, key: string) =>
      `The buyer signs as ${fingerprint} (the fingerprint of the key ${key}). The name of the job is what the buyer has chosen.`,
    vouched: (pool: string, need: number) =>
      `The other contributors are people of “${pool}”, as ${need} of these issuers ${need === 1 ? "says" : "say"}. The name is what the buyer has written. Ask yourself whether these issuers could belong to the buyer.`,
    issuer: (fingerprint: string, key: string) => `Issuer ${fingerprint}, with the key ${key}`,
    notPinned:
      "The link that you have opened does not name the terms. The buyer may show each person other terms, and the coordinator another job of the same name: compare the digest of the terms with somebody else who answers, or ask for a link that names it.",
    fingerprint: "Fingerprint",
    digestWords: "Digest of the cluster file, to compare by voice",
    terms: "Digest of the job’s terms",
    fact: (name: string, value: string) => `${name}: ${value}`,
    agree: "I agree, show me the items",
    record: "This device keeps a record of what you have agreed to, signed with your key. You can save it at any time, also with the file of your key.",
    as: (name: string) => `You answer as “${name}”.`,
  },
  nav: { label: "Parts of this job", answer: "Answer", send: "Send", after: "Result", key: "Key", about: "About" },
  version: {
    offered: "This site now offers another version of this page.",
    detail: (mine: string, offered: string) =>
      `Your version begins with ${mine}. It stays as it is until you decide. The offered version begins with ${offered}. Before you take it, compare its whole digest with the one that other operators offer.`,
    whole: "Show the whole digests",
    wholeMine: "Show the whole digest",
    yours: "Your version",
    other: "Offered version",
    failed: "The other version was not installed. You still use yours.",
    notInstalled: "A file of this version did not arrive, or has another digest than the list says",
    take: "Take the other version",
    keep: "Keep mine",
    mine: (version: string) => `Version of this page: ${version} …`,
    replaced: "The site that serves this page has replaced the program that keeps your version.",
    replacedDetail:
      "No update was offered, so this is not how a new version comes. Send and answer nothing more here. Save your key and your receipts, close this page, and tell the operators of the nodes.",
    unpinned: "This version of the page is not pinned yet.",
  },
  problem: {
    title: "This did not work",
    broken:
      "This page has made a mistake and had to stop. Your answers and your key are on this device, and nothing is lost: reload the page to go on. If it stops again, tell the operators what you did.",
    unreachable: (host: string) => `${host} cannot be reached. Check your connection; nothing is lost.`,
    kinds: {
      unknown_job: "There is no such job, or it is not shown to you.",
      enrolment_conflict: "This name is taken, or looks like another one that is. Choose another name.",
      enrolment_closed: "Nobody can enrol here at present. Ask the operators.",
      enrolment_quota: "Too many people have enrolled within an hour. Try again later.",
      job_closed: "The job is closed and takes no more answers.",
      job_ended: "The job has ended.",
      job_full: "The job has as many answers as it takes.",
      contributor_quota: "You have sent as much to this job as one person may.",
      frozen: "The job is closed: nothing can be taken back any more.",
      purged: "The job is over, and what was stored of it is removed.",
      busy: "The coordinator is busy. Try again in a moment.",
      not_published: "The result is not published yet.",
      unauthorized: "The coordinator does not accept your key.",
      not_enrolled: "Your key is not enrolled here.",
      too_slow: "The connection is too slow. Nothing is lost: try again.",
    } as Record<string, string>,
    storage: "This browser does not let the page store anything. Private windows often do not: use a normal one.",
  },
  footer: {
    privacy: "No cookies, no tracking. This page connects to the coordinator, and to the hosts of pictures that a job names.",
  },
};

/** The paragraphs about pay. */
export function payText(job: JobView): string {
  const { consent } = en;
  if (job.pay === null) {
    return consent.payNone;
  }
  const { base, bonus, currency, rule } = job.pay;
  if (rule === "flat" || bonus === 0) {
    return consent.payFlat(base, currency);
  }
  const say = { peer_agreement: consent.payAgreement, peer_agreement_beyond_chance: consent.payBeyond, gold: consent.payGold };
  return say[rule](base, bonus, currency);
}
