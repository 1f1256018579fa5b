// All English texts of the contributor's part and of what both parts share. Plain words, short sentences. The buyer's texts are in en-buyer.ts, which
// contributors do not load.

import type { Certified, JobView, ReleaseName } from "tacit-engine";
import { money } from "../ui/money.ts";
import { moment } from "../ui/moment.ts";

const count = (number: number, one: string, many: string): string => `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;
const answers = (number: number): string => count(number, "answer", "answers");

const RELEASES: Record<ReleaseName, string> = {
  labels: "the most common answer to each item",
  agreement: "how far people agreed, over all items",
  class_totals: "how often each answer was given, over all items",
  scores: "a score for each contributor, under their name: how far their answers agree with those of others",
  payouts: "what each contributor is paid, under their name",
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
    lead: "Your answers are split into parts on this device. Each part goes to another organisation, and no part says anything by itself.",
    link: "Open a job",
    linkHint: "Paste the link that you were given.",
    linkLabel: "Link",
    linkWrong: "This is not a link to a job. It should contain #cluster=… and job=…",
    open: "Open",
    known: "Your jobs on this device",
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
    unknown: "Your link does not say who runs the nodes, or this device could not find out. Open the file cluster.toml that the operators have published.",
    "other-file": "This is not the cluster file that your link names. Do not use it, and ask whoever gave you the link.",
    "no-address": "The cluster file names no address that is safe to use. The link must contain coordinator=https://…",
    choose: "Open cluster.toml",
  },
  access: {
    title: "Who are you here?",
    unknown: "This job is shown only to people who may answer it. If you have an invitation code, enter it. Otherwise, choose the name under which you are listed, and you are enrolled.",
    issuers: (pool: string) => `This job is for the people of “${pool}”. Enter the invitation code that you got from there.`,
    known: "You have answered here as",
    code: "Invitation code",
    codeHint: "It is used once, on this device, and is not stored.",
    useCode: "Use this code",
    name: "Your name here",
    nameHint: "It appears in what is published about pay. It does not have to be your real name.",
    enrol: "Enrol under this name",
    import: "I have answered on another device",
    stillUnknown: "With this, the job is not shown either. The code may have expired, or the link may be for another job.",
  },
  consent: {
    title: "Before you begin",
    asks: (name: string) => `“${name}” asks you, in the buyer’s words`,
    noQuestion: "The buyer has given no question text. Each item shows what it is about.",
    items: (items: number, each: number) => `${count(items, "item", "items")}; each is answered by up to ${count(each, "person", "people")}. You may stop at any time.`,
    answersAre: (classes: string[]) =>
      classes.length <= 12 ? `Possible answers: ${classes.join(", ")}.` : `There are ${classes.length} possible answers.`,
    pay: "Your pay",
    payNone: "This job pays nothing.",
    payFlat: (base: number, currency: string) => `${money(base, currency)} for each answer that counts.`,
    payAgreement: (base: number, bonus: number, currency: string) =>
      `${money(base, currency)} for each answer that counts, and a bonus of up to ${money(bonus, currency)} for each: the more your answers agree with those of others to the same items, the higher it is.`,
    payBeyond: (base: number, bonus: number, currency: string) =>
      `${money(base, currency)} for each answer that counts, and up to ${money(bonus, currency)} more or less, by how much more your answers agree with those of others than guessing would.`,
    payGold: (base: number, bonus: number, currency: string) =>
      `${money(base, currency)} for each answer that counts, and up to ${money(bonus, currency)} more or less: some items have a known answer, and nobody can see which ones.`,
    payCounts: "An answer counts if it is your first to the item and the item did not have all its answers already. Everybody can check how pay follows.",
    published: "What is published",
    publishedWho: (isPublic: boolean) => (isPublic ? "Anybody can read it." : "The buyer can read it, and may pass it on."),
    release: (name: ReleaseName) => RELEASES[name],
    aboutYou: "Also published: your name here, your key’s public half, and how many of your answers count.",
    hidden: "What is not published",
    hiddenSensitive: (threshold: number, nodes: number) =>
      `Your single answers. They leave this device only as ${count(nodes, "part", "parts")}, one for each node. ` +
      `Neither the buyer nor the coordinator nor ${threshold === 1 ? "any one node" : `any ${threshold} nodes together`} can read them.`,
    hiddenFloors: (people: number) => `Results are only opened when at least ${count(people, "person has", "people have")} answered, and small amounts of noise hide each single person.`,
    visible: "Your answers may become visible",
    publicAnswers:
      "The buyer says that answers to this job are not sensitive. What is published may show what each contributor answered. Treat your answers as public.",
    agreePublic: "I understand that my answers may become visible.",
    until: "Until when",
    closes: (seconds: number) => `The job closes on ${moment(seconds)}.`,
    closesByBuyer: "The buyer decides when the job closes.",
    takeBack: "You can take back what you have sent until the job closes. After that, the numbers are computed and nothing can be taken back.",
    images: "Pictures",
    imagesFrom: (hosts: string[]) =>
      `Pictures come from ${hosts.join(", ")}. Whoever runs ${hosts.length === 1 ? "it" : "them"} sees your network address, that you take part, and how far you ` +
      `are in steps of 20 items, and may tell the buyer. By the times, the buyer may find out which contributor you are and how long you take. Nobody sees your answers there.`,
    operators: "Who runs the nodes",
    operatorsLead: (operators: number, nodes: number, toRead: number) =>
      `${count(nodes, "node computes", "nodes compute")} the result, run by ${count(operators, "organisation", "organisations")}, as the cluster file says. ` +
      (toRead === 1
        ? "One of these organisations can see your answers by itself."
        : `At least ${toRead} of these organisations would have to act together to see an answer.`),
    operatorsClaim: "The names are what the cluster file claims. What holds is the digest: compare its words with operators whom you know.",
    whoAsks: "Who asks",
    buyerKey: (fingerprint: string) => `The buyer signs as ${fingerprint} (the fingerprint of a key). The name of the job is what the buyer has chosen.`,
    issuerKeys: (pool: string, need: number, fingerprints: string[]) =>
      `That the people who answer are of “${pool}” is what ${need} of these issuers say: ${fingerprints.join("; ")}. Could they be the buyer’s own?`,
    notPinned:
      "The link that you have opened does not name the terms. The buyer may show each person other terms, and the coordinator another job of the same name: compare the digest of the terms with somebody else who answers, or ask for a link that names it.",
    vouched: (pool: string, need: number) => `The people who answer are members of “${pool}”, as ${count(need, "issuer vouches", "issuers vouch")} for them.`,
    fingerprint: "Fingerprint",
    digestWords: "Digest of the cluster file, to compare by voice",
    digest: "Digest",
    terms: "Digest of the job’s terms",
    agree: "I agree, show me the items",
    record: "A record of this stays with you. You can save it at any time.",
    as: (name: string) => `You answer as “${name}”.`,
  },
  answer: {
    item: (place: number, total: number) => `Item ${place.toLocaleString("en-GB")} of ${total.toLocaleString("en-GB")}`,
    progress: (done: number, total: number) => `${done.toLocaleString("en-GB")} of ${total.toLocaleString("en-GB")} answered`,
    choose: "Your answer",
    left: "Left",
    right: "Right",
    undo: "Undo",
    skip: "Skip",
    previous: "Previous item",
    next: "Next item",
    sendNow: (number: number) => `Send ${answers(number)}`,
    done: "All items are done",
    doneSend: (number: number) => `You have ${answers(number)} to send. Until you send them, they exist on this device only.`,
    doneNothing: "Everything that you have answered is sent.",
    skipped: (number: number) => `${count(number, "item is", "items are")} left out.`,
    reopen: "Answer them now",
    loadingImage: "The picture is being loaded…",
    failedImages: {
      network: "This picture cannot be shown: it did not arrive in time, or it is not the one that the buyer signed (its digest is another one). You can skip this item.",
      "not-named": "This picture is not shown: the job’s terms do not name its host. You can skip this item.",
      "too-large": "This picture is not shown: it has more than 20 MB or more than 50 million pixels. You can skip this item.",
      "no-picture": "This picture is not shown: it is damaged, or not a PNG, JPEG, WebP or AVIF file. You can skip this item.",
    },
    notShown: "You can answer as soon as the picture is shown.",
    again: "Load it again",
    noAlt: "Picture without a description",
    closed: "The job is closed and takes no more answers.",
    keysOn: "Keys 1–9 and arrows: on",
    keysOff: "Keys 1–9 and arrows: off",
    keysHelp: "1–9 choose an answer, ← and → move between items, S skips, U takes the last step back.",
    idOnly: "This item has no text or picture. Its name:",
    said: (label: string) => `Answered: ${label}.`,
    saidSkipped: "Skipped.",
    undone: "Last step taken back.",
    more: (number: number) => `${number} answers fit. Type more letters to see fewer.`,
    filter: "Find an answer",
    notKept: "This answer could not be stored on this device. Is the disk full, or storage blocked?",
  },
  send: {
    title: "Send your answers",
    lead: (number: number) => `${answers(number)} ${number === 1 ? "is" : "are"} split and sealed on this device, then sent. You can go on answering afterwards.`,
    nothing: "There is nothing to send.",
    begin: (number: number) => `Send ${answers(number)}`,
    preparing: "Splitting and sealing on this device…",
    sending: "Sending…",
    waiting: "The coordinator is busy or cannot be reached. Trying again shortly…",
    progress: (sent: number, total: number) => `${sent.toLocaleString("en-GB")} of ${answers(total)} acknowledged`,
    done: (sent: number) => `${answers(sent)} sent. The coordinator has signed ${sent === 0 ? "nothing new" : "a receipt"}, which is kept here.`,
    failed: "Not everything was sent. Nothing is lost: the rest stays on this device.",
    receipts: "Save receipts",
    list: "Sent so far",
    goOn: "Go on answering",
    after: "See what counted",
  },
  elsewhere: {
    items: (number: number) => `The coordinator says that ${count(number, "item was", "items were")} already answered with your key on another device. They are passed over here.`,
    aside: (number: number) => `${answers(number)} to them ${number === 1 ? "is" : "are"} kept on this device and not sent.`,
    ignore: "That is not so: show and send them all the same",
  },
  after: {
    title: "What came of it",
    waiting: "The job is still open or being computed. What counted, and your pay, is known once it is published.",
    ended: {
      cancelled: "The buyer has cancelled the job. Nothing is computed, published or paid.",
      failed: "The job has failed: its result cannot be computed. Nothing is published. Keep your receipts, and ask the buyer or the operators.",
    } as Record<string, string>,
    nothingSent: "You have not sent anything for this job yet.",
    look: "Look again",
    looking: "Asking, and checking the signatures of the nodes…",
    checked: (signers: string[]) => `Checked on this device: signed by ${signers.join(", ")}.`,
    pay: "Your pay",
    payWhy: (pay: NonNullable<Certified["pay"]>) => {
      const base = `${answers(pay.answers)} × ${money(pay.base, pay.currency)}`;
      const bonus = pay.bonus === 0 ? "" : pay.bonus > 0 ? `, plus ${money(pay.bonus, pay.currency)}` : `, less ${money(-pay.bonus, pay.currency)}`;
      const why = { flat: "", peer_agreement: " for agreeing with others", peer_agreement_beyond_chance: " by agreement with others beyond chance", gold: " by answers that are known to be right" };
      return `${base}${bonus}${pay.bonus === 0 ? "" : why[pay.rule]}. Worked out again on this device.`;
    },
    payNone: "This job pays nothing.",
    counted: (counted: number, sent: number) => `${counted.toLocaleString("en-GB")} of ${answers(sent)} count.`,
    leftOut: "Why the others do not count",
    which: "Which items (as the coordinator says; their number is certified)",
    people: (number: number) => `${count(number, "person has", "people have")} an answer that counts.`,
    elsewhere: (number: number) => `${count(number, "submission was", "submissions were")} sent with your key from another device.`,
    submissions: "What you have sent",
    submission: (number: number, date: string) => `${answers(number)}, ${date}`,
    state: { made: "not acknowledged yet", sent: "acknowledged", withdrawing: "asked to take back", withdrawn: "taken back", replaced: "sealed again" },
    withdraw: "Take back",
    withdrawAsk: (number: number) => `Take back ${answers(number)}? They are erased, are not paid, and cannot be sent again.`,
    withdrawYes: "Yes, take back",
    withdrawNo: "No, keep",
    erased: (by: string[], missing: string[]) =>
      `${missing.length === 0 ? "Taken back." : "Asked, but not taken back yet: this page asks again whenever you open it."} ${by.length === 0 ? "No node has signed that it has erased them." : `Erased, as signed by ${by.join(", ")}.`}${missing.length === 0 ? "" : ` Not confirmed by ${missing.join(", ")}.`}`,
    notConfirmed: (missing: string[]) => `not confirmed by ${missing.join(", ")}`,
    askAgain: "Ask the nodes again",
    wrong: "Something is wrong. Keep your receipts and tell the operators:",
    consent: "Save the record of what you agreed to",
  },
  key: {
    title: "Your key",
    lead: "Your key is what you are here. It is on this device only. To go on elsewhere, or in case you lose this device, save it or move it.",
    warning: "Whoever has it can answer and be paid in your name. Do not send it to anybody.",
    disk: "What is kept here is encrypted, but the browser keeps the key to it in the same folder of files. Whoever can copy the files of this browser, or of your account on this device, can read your key and the answers that you have not sent. So use an account that nobody else uses, an encrypted disk and a screen lock, and send your answers when you have finished.",
    save: "Save as a file",
    show: "Show as a QR code",
    hide: "Hide the QR code",
    qrAlt: "QR code with your key. Scan it with the camera of your other device and paste the text there.",
    copy: "Copy as text",
    copied: "Copied",
    import: "Use a key from another device",
    importHint: "Choose the file, or paste the text of the QR code.",
    importText: "Text of the key",
    importFile: "Choose the key file",
    importDo: "Use this key",
    imported: "The key is on this device now.",
    public: "Public half",
    elsewhere: "Answers that you have not sent stay on the device where you gave them: send them from there first.",
  },
  nav: { label: "Parts of this job", answer: "Answer", send: "Send", after: "Result", key: "Key", about: "About" },
  version: {
    offered: "This site now offers another version of this page.",
    detail: (mine: string, offered: string) =>
      `You use version ${mine}, and it stays as it is until you decide. The offered one is ${offered}. Compare it with what other operators offer before you take it.`,
    take: "Take the other version",
    keep: "Keep mine",
    mine: (version: string) => `Version of this page: ${version}`,
    replaced: "The site that serves this page has replaced the program that keeps your version.",
    replacedDetail:
      "No update was offered, so this is not how a new version comes. Send and answer nothing more here. Save your key and your receipts, close this page, and tell the operators of the nodes.",
    unpinned: "This version of the page is not pinned yet.",
  },
  problem: {
    title: "This did not work",
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
      unauthorized: "The coordinator does not accept who you are here.",
    } as Record<string, string>,
    storage: "This browser does not let the page store anything. Private windows often do not: use a normal one.",
  },
  footer: {
    privacy: "No cookies, no tracking, no third parties.",
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
