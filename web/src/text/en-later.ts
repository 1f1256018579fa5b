// The English texts of the screens that nobody sees before the first one: they are loaded after it.

import type { Certified } from "tacit-engine";
import type { Loss } from "../engine/removal.ts";
import { money } from "../ui/money.ts";
import { moment } from "../ui/moment.ts";
import { answers, count } from "./en.ts";

/** Why the coordinator has refused a submission for good. */
const REFUSALS: Record<string, string> = {
  job_full: "the job has as many answers as it takes",
  contributor_quota: "you have sent as much to this job as one person may",
  submission_conflict: "the coordinator has another submission of this id",
  submission_rejected: "the submission is not valid",
};

export const laterText = {
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
      network: "This picture did not arrive. You can load it again, or skip this item.",
      "other-picture": "This is not the picture that the buyer signed: its digest is another one, so it is not shown. You can skip this item.",
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
    agreed: "What you agreed to",
    agreedAt: (seconds: number, terms: string) => `You agreed on ${moment(seconds)}, to the terms with the digest ${terms}.`,
    consentHint:
      "The file shows it to whom you give it: your signed record, what you have sent without the answers, and who has signed that it arrived. Nobody else has the record.",
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
};
