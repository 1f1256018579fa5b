// All English texts of the contributor's part and of what both parts share. Plain words, short sentences. The buyer's texts are in en-buyer.ts, which
// contributors do not load.

import type { Certified, JobView, ReleaseName } from "tacit-engine";
import type { Loss } from "../engine/removal.ts";
import { money } from "../ui/money.ts";
import { moment } from "../ui/moment.ts";

const count = (number: number, one: string, many: string): string => `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;
const answers = (number: number): string => count(number, "answer", "answers");

const RELEASES: Record<ReleaseName, string> = {
  labels: "Of all contributors together: the most common answer to each item.",
  agreement: "Of all contributors together: how far they agreed.",
  class_totals: "Of all contributors together: how often each answer was given.",
  scores: "About you: how far your answers agree with those of others, as scores.",
  payouts: "About you: your pay.",
};

/** Why the coordinator has refused a submission for good. */
const REFUSALS: Record<string, string> = {
  job_full: "the job has as many answers as it takes",
  contributor_quota: "you have sent as much to this job as one person may",
  submission_conflict: "the coordinator has another submission of this id",
  submission_rejected: "the submission is not valid",
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
  person: {
    title: "Who answers?",
    lead: "This job was opened on this device before.",
    goOn: (contributor: string) => `Go on as “${contributor}”`,
    other: "Answer as somebody else",
    otherHint: "What others have answered on this device stays theirs.",
  },
  removal: {
    remove: (contributor: string) => `Remove “${contributor}” from this device`,
    ask: (loss: Loss) =>
      `Remove “${loss.contributor}” from this device? The key is erased here. ${
        loss.jobs.length === 0 ? "Nothing else is kept for it." : `Also erased: everything that this device keeps for ${loss.jobs.map((job) => `“${job}”`).join(", ")}.`
      }`,
    unsent: (number: number) => `${answers(number)} that ${number === 1 ? "is" : "are"} not sent ${number === 1 ? "is" : "are"} lost.`,
    receipts: (number: number) => `${count(number, "receipt is", "receipts are")} lost. Without them you cannot prove what you have sent.`,
    save: "Without a copy of the key you cannot take answers back and cannot see your pay. Save the key first.",
    yes: "Yes, remove",
    no: "No, keep",
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
    record: "This device keeps a record of what you have agreed to. You can save it as a file at any time.",
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
    skipped: (number: number) => `You have skipped ${count(number, "item", "items")}.`,
    reopen: "Answer them now",
    loadingImage: "The picture is being loaded…",
    failedImages: {
      network: "This picture cannot be shown. It did not arrive in time, or it is not the one that the buyer signed (its digest is another one). You can skip this item.",
      "not-named": "This picture is not shown, because the job’s terms do not name its host. You can skip this item.",
      "too-large": "This picture is not shown, because it has more than 20 MB or more than 50 million pixels. You can skip this item.",
      "no-picture": "This picture is not shown, because it is damaged, or not a PNG, JPEG, WebP or AVIF file. You can skip this item.",
    },
    notShown: "You can answer as soon as the picture is shown.",
    again: "Load it again",
    noAlt: "Picture without a description",
    closed: "The job is closed and takes no more answers.",
    keys: "Keys 1–9 and arrows",
    keysHelp: "1–9 choose an answer, ← and → move between items, S skips, U undoes the last step.",
    idOnly: "This item has no text or picture. Its name:",
    said: (label: string, place: number, total: number) => `Answered: ${label}. Number ${place} of ${total} is next.`,
    saidSkipped: (place: number, total: number) => `Skipped. Number ${place} of ${total} is next.`,
    saidAll: (label: string) => `Answered: ${label}. All items are done.`,
    saidSkippedAll: "Skipped. All items are done.",
    undone: (place: number, total: number) => `Last step undone. Number ${place} of ${total} is shown.`,
    more: (number: number) => `${number} answers fit. Type more letters to see fewer.`,
    filter: "Find an answer",
    notKept: "This answer could not be stored on this device. Is the disk full, or storage blocked?",
    alreadySent: "This answer was sent already, perhaps from another tab. It was not changed.",
  },
  send: {
    title: "Send your answers",
    lead: (number: number) => `This device splits and seals ${answers(number)}, and then sends ${number === 1 ? "it" : "them"}. Sent answers cannot be changed. You can go on answering meanwhile.`,
    nothing: "There is nothing to send.",
    begin: (number: number) => `Send ${answers(number)}`,
    preparing: "Splitting and sealing on this device…",
    sending: "Sending…",
    waiting: "The coordinator is busy or cannot be reached. Trying again shortly…",
    progress: (sent: number, total: number) => `${sent.toLocaleString("en-GB")} of ${answers(total)} acknowledged`,
    done: (sent: number) => `${answers(sent)} sent.${sent === 0 ? "" : " This device keeps the receipts that the coordinator has signed."}`,
    failed: "Not everything was sent. Nothing is lost: the rest stays on this device.",
    refused: (number: number, kind: string) => `The coordinator does not take ${answers(number)}: ${REFUSALS[kind] ?? kind.replaceAll("_", " ")}. They stay on this device.`,
    again: "Try to send them once more",
    saveKey: "Save your key now. Without it you cannot take answers back and cannot see your pay, should you lose this device.",
    toKey: "Go to your key",
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
    title: "Your result",
    waiting: "The result is not published yet. When it is, you see here which of your answers count and what you are paid.",
    ended: {
      cancelled: "The buyer has cancelled the job. Nothing is computed, published or paid.",
      failed: "The job has failed: its result cannot be computed. Nothing is published. Keep your receipts, and ask the buyer or the operators.",
    } as Record<string, string>,
    nothingSent: "The coordinator has no answers of yours for this job.",
    look: "Look again",
    looking: "Asking, and checking the signatures of the nodes…",
    checked: (signers: string[]) => `Checked on this device: signed by ${signers.join(", ")}.`,
    pay: "Your pay",
    payWhy: (pay: NonNullable<Certified["pay"]>) => {
      const base = `${answers(pay.answers)} × ${money(pay.base, pay.currency)}`;
      const bonus = pay.bonus === 0 ? "" : pay.bonus > 0 ? `, plus ${money(pay.bonus, pay.currency)}` : `, less ${money(-pay.bonus, pay.currency)}`;
      const why = {
        flat: "",
        peer_agreement: "because your answers agree with those of others",
        peer_agreement_beyond_chance: `because your answers agree with those of others ${pay.bonus > 0 ? "more" : "less"} often than guesses would`,
        gold: `because of your answers to items whose answer the buyer knew`,
      };
      return `${base}${bonus}${pay.bonus === 0 || why[pay.rule] === "" ? "" : `, ${why[pay.rule]}`}. This device has worked it out again.`;
    },
    payNone: "You are paid nothing: the job pays nothing, or none of your answers counts.",
    counted: (counted: number, sent: number) => `${counted.toLocaleString("en-GB")} of ${answers(sent)} count.`,
    countedHere: "These are the answers that were sent from this device.",
    countedAll: (number: number) => `In all, ${count(number, "answer of yours counts", "answers of yours count")}.`,
    leftOut: "Why the others do not count",
    which: "Which items (the coordinator says which; the nodes have certified how many)",
    people: (number: number) => `${count(number, "person has", "people have")} at least one answer that counts.`,
    elsewhere: (number: number) => `${count(number, "submission was", "submissions were")} sent with your key from another device.`,
    sentElsewhere: (number: number) => `${count(number, "answer was", "answers were")} sent with your key from another device. They can be taken back on that device only.`,
    submissions: "What you have sent",
    submission: (number: number, date: string) => `${answers(number)}, ${date}`,
    state: {
      made: "not acknowledged yet",
      sent: "acknowledged",
      refused: "not taken by the coordinator",
      withdrawing: "asked to take back",
      withdrawn: "taken back",
      replaced: "sealed again",
    },
    withdraw: "Take back",
    withdrawAsk: (number: number) =>
      `Take back ${answers(number)}? The coordinator and the nodes erase ${number === 1 ? "it, and it is" : "them, and they are"} not paid. You can answer the same ${number === 1 ? "item" : "items"} again until the job closes.`,
    withdrawYes: "Yes, take back",
    withdrawNo: "No, keep",
    erased: (by: string[], missing: string[]) =>
      `${missing.length === 0 ? "Taken back." : "Asked, but not taken back yet: this page asks again whenever you open it."} ${by.length === 0 ? "No node has signed that it has erased them." : `Erased, as signed by ${by.join(", ")}.`}${missing.length === 0 ? " You can answer these items again." : ` Not confirmed by ${missing.join(", ")}.`}`,
    notConfirmed: (missing: string[]) => `not confirmed by ${missing.join(", ")}`,
    askAgain: "Ask the nodes again",
    wrong: "Something is wrong. Keep your receipts and tell the operators:",
    consent: "Save the record of what you agreed to",
  },
  key: {
    title: "Your key",
    lead: "You are known here by your key. It is on this device only. Browsers may delete what pages store, so save the key as a file. With the file you can also go on on another device.",
    warning: "Whoever has it can answer and be paid in your name. Do not send it to anybody.",
    disk: "What is kept here is encrypted, but the browser keeps the key to it in the same folder of files. Whoever can copy the files of this browser, or of your account on this device, can read your key and the answers that you have not sent. So use an account that nobody else uses, an encrypted disk and a screen lock, and send your answers when you have finished.",
    save: "Save as a file",
    show: "Show as a QR code",
    hide: "Hide the QR code",
    qrWarning:
      "Better use the file. This page does not use the camera: to scan the code you need another app, and that app and your clipboard then have your secret key. Use only an app that you trust, and delete the text there afterwards.",
    qrAlt: "QR code with your secret key",
    copy: "Copy as text",
    copied: "Copied",
    import: "Use a key from another device",
    importHint: "Choose the key file. That is safer than a QR code or copied text, which other apps can read.",
    importText: "Text of the key",
    importTextHint: "Only if you have no file. Delete the text from your clipboard and from the app that has scanned the code.",
    importFile: "Choose the key file",
    importDo: "Use this key",
    imported: "The key is on this device now.",
    public: "Public half",
    elsewhere: "Answers that you have not sent stay on the device on which you gave them. Send them from there first.",
    people: "People on this device",
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
