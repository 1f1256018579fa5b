/** What is thrown. `message` is plain English, and says what is wrong and what to do. */
export interface EngineError extends Error {
  /** Stable; tests and translations may rely on it. */
  code: ErrorCode;
}

export type ErrorCode =
  /** The bytes are no cluster file, or one that cannot be used. */
  | "cluster_file"
  /** The coordinator's answer names another cluster file than the one given: do nothing with this coordinator. */
  | "other_cluster"
  /** The coordinator speaks other protocol versions. */
  | "protocol_version"
  /** A body or stored bytes are not what they should be: not JSON, not these fields, cut. */
  | "syntax"
  /** A time is not a whole number of seconds of Unix time. */
  | "time"
  /** A job's id is not one. */
  | "job_id"
  /** The job's spec is not one of a valid job, or not signed by its buyer for this cluster. */
  | "job"
  /** The job is of other terms than the pinned digest. */
  | "other_terms"
  /** The text is no key file. */
  | "key_file"
  /** The text is no invitation code: mistyped, cut. */
  | "invitation_code"
  /** The invitation or the credential is not one of this job's issuers, expires too early, or is of another key or cluster. */
  | "credential"
  /** The record of consent is not one of this key to this job, or what is shown with it does not belong to it. */
  | "consent"
  /** The job takes answers of a pool's people only, and there is no credential. */
  | "not_invited"
  /** The job names no issuers: answer without an invitation. */
  | "no_issuers"
  /** The contributor's name cannot be used. */
  | "name"
  /** The answers do not fit the job: no such item or class, none, too many for one submission, an item twice. */
  | "answers"
  /** This key is the buyer's for gold answers, or the gold answers are not signed with the key that the job names. */
  | "gold_key"
  /** The coordinator has no sealing key of some node yet: ask GET /v1/cluster again in a moment. */
  | "sealing_keys_missing"
  /** A node's sealing key is refused: not signed by the node, expired, older than one that was seen. Send nothing. */
  | "sealing_keys"
  /** The coordinator's receipt is not signed by it, or is for something else. Do not rely on it. */
  | "receipt"
  /** What the coordinator passes on as certified by the nodes is not. Keep the receipts and tell the operators. */
  | "certified"
  /** What the coordinator says of single answers does not add up, or contradicts what the nodes have certified. */
  | "outcome"
  /** The buyer's spec, or a file that it names, cannot be read. The message names file, line and field. */
  | "spec_file"
  /** The gold answers cannot be read. The message names file, line and field. */
  | "gold_file"
  /** The certificate does not verify, or result.json or payouts.csv differ from it. */
  | "verify";

export interface Member {
  name: string;
  /** The organisation that runs it; "" for the coordinator. */
  operator: string;
  /** host:port of a node, the URL of the coordinator. */
  address: string;
  /** Its Ed25519 key. */
  identity: string;
  /** What stands for the key when people compare it by voice: eight groups of four hexadecimal digits, as `tacit cluster show` prints. */
  fingerprint: string;
}

export interface ClusterView {
  name: string;
  /** The digest of the file's bytes: 64 hexadecimal digits, as in the URL fragment #cluster=... */
  digest: string;
  /** The digest in words that people can compare by voice, in the spelling of `tacit cluster show`. */
  digestWords: string;
  /** How many nodes may be corrupt and collude without learning anything. */
  threshold: number;
  protocol: number;
  coordinator: Member;
  nodes: Member[];
}

export type ReleaseName = "labels" | "agreement" | "class_totals" | "scores" | "payouts";

export type PayRule = "flat" | "peer_agreement" | "peer_agreement_beyond_chance" | "gold";

export interface Question {
  kind: "categorical";
  classes: string[];
  text?: string;
}

/** A picture at an address, with the digest of its bytes that the buyer has signed. */
export interface Image {
  url: string;
  /** 64 hexadecimal digits. */
  sha256: string;
  /** What a screen reader says in its place. */
  alt?: string;
}

/** One of two things to compare. */
export interface Side {
  text?: string;
  image?: Image;
}

/** As the spec has it: a text, a picture, or two things side by side with a text for both. */
export interface Item {
  id: string;
  text?: string;
  image?: Image;
  left?: Side;
  right?: Side;
}

export interface Issuers {
  pool: string;
  keys: string[];
  need: number;
}

/** The terms of a job as the protocol writes them. */
export interface Terms {
  id: string;
  buyer: string;
  name: string;
  question: Question;
  items: number;
  items_digest: string;
  item_ids?: string[];
  answers_per_item: number;
  closes_at?: string;
  sensitive: boolean;
  public?: boolean;
  release: ReleaseName[];
  quorum?: number;
  label_rule?: string | object;
  weights?: Record<string, number>;
  gold?: { key: string };
  issuers?: Issuers;
  /** The hosts of all pictures, with their ports where they are not 443. */
  image_hosts?: string[];
  payout?: { rule: PayRule; currency: string; base_per_item: number; bonus_per_item: number; budget: number };
}

export interface JobView {
  id: string;
  /** The digest of the terms, which stands for the job. */
  digest: string;
  terms: Terms;
  items: Item[];
  /** When the job closes by itself, Unix seconds; null if its buyer closes it. */
  closesAt: number | null;
  /** The most answers that one submission should hold: split a sitting into batches of at most so many. */
  answersPerSubmission: number;
  /** What is paid; null where the job publishes no payouts. `rule` is the one that holds: sensitive jobs pay the base whatever the terms name. */
  pay: { currency: string; base: number; bonus: number; rule: PayRule } | null;
  /** What keeps single answers from being read off what is published; null in jobs that are not sensitive, where nothing does. */
  floors: { contributors: number; answers: number; answersToLabel: number } | null;
  /** Whether the job waits for gold answers of its buyer. */
  takesGold: boolean;
  /** How many submissions the gold answers are, 0 if it takes none. */
  goldSubmissions: number;
  /** What stands for the buyer's key when people compare it by voice. */
  buyerFingerprint: string;
  /** The issuers whose people may answer: the digest that stands for them, and what stands for each key; null if the job names none. */
  issuers: { digest: string; fingerprints: string[] } | null;
}

/** What was agreed to, in short. */
export interface ConsentView {
  /** Unix seconds, by the clock of the device. */
  agreedAt: number;
  job: string;
  /** The digest of the terms. */
  terms: string;
  /** The public half of the contributor's key. */
  key: string;
  /** The salted digest that submissions carry. */
  digest: string;
}

export interface ReceiptView {
  submission: string;
  answers: number;
  /** The submission's place among the job's, from 0. */
  sequence: number;
}

export interface ErasureView {
  /** The receipts of nodes that hold, one of a node at most, as JSON text: keep it. */
  receipts: string;
  /** The names of the nodes that have signed that they erased it. */
  erasedBy: string[];
  /** The names of the nodes that have not: ask again later. */
  missing: string[];
}

export interface OutcomeView {
  accepted: number;
  /** The items that do not count: the coordinator's word; how many there are of each reason is certified. */
  rejected: { item: string; reason: string }[];
}

export interface SubmissionRecord {
  digest: string;
  answers: number;
  counted: number;
  left_out: { reason: string; answers: number }[];
  /** Indices of nodes that could not use their part of it. */
  refused_by: number[];
}

/** What the nodes have certified, after every check: signatures, terms, own records only, none left out, sums, and pay worked out again. */
export interface Certified {
  /** The digest of the terms that all of this is for. */
  digest: string;
  /** How many contributors have an answer that counts. */
  contributors: number;
  /** How many answers of the contributor count, from whatever device they were sent. */
  answers: number;
  /** The names of the nodes that have signed. */
  signers: string[];
  /** Answers of the kept submissions that were sent, and that count. */
  sent: number;
  counted: number;
  /** Why the others do not count. `text` is for the contributor. */
  leftOut: { reason: string; text: string; answers: number }[];
  /** Names of nodes that could not use their part of some submission. */
  refusedBy: string[];
  /** What became of each kept submission, by its id; null if it has no receipt and no record. */
  submissions: Record<string, SubmissionRecord | null>;
  /** Submissions of the same contributor that were sent from elsewhere. */
  elsewhere: number;
  /** The pay; null where the job publishes none. `answers` count, at `base` each; total = answers × base + bonus. */
  pay: { total: number; answers: number; base: number; bonus: number; currency: string; rule: PayRule } | null;
}

export interface Verified {
  terms: Terms;
  /** The digest of the terms. */
  digest: string;
  /** The digest of the accepted set. */
  accepted: string;
  signers: { node: string; operator: string }[];
  /** What result.json holds (docs/result.md). Labels are a list of { item, label }. */
  report: Report;
  /** The texts that follow from the certificate, for downloads. */
  resultJson: Uint8Array;
  payoutsCsv: Uint8Array | null;
}

export interface Report {
  job: { id: string; items: number; contributors: number; answers: number; rejected_answers: number; classes: string[]; refused?: unknown[] };
  agreement: Record<string, number | string | null> | null;
  agreement_reason?: string;
  class_totals: Record<string, number> | null;
  class_totals_reason?: string;
  noise?: Record<string, number>;
  labels: { item: string; label: string | null; reason?: string }[];
  labels_reason?: string;
  contributors: {
    contributor: string;
    key: string;
    answers: number;
    agreement: number | null;
    agreement_reason?: string;
    agreement_with_label: number | null;
    agreement_with_label_reason?: string;
    beyond_chance: number | null;
    beyond_chance_reason?: string;
    gold?: number;
    gold_reason?: string;
  }[];
  payouts: { currency: string; total: number; items: { contributor: string; key: string; amount: number }[] } | null;
  payouts_reason?: string;
  certificate: string;
}
