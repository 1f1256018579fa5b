// The names of stored values, in one place.

/** A job of a cluster, as one person answers it: several people may use one device. */
export interface JobPlace {
  /** The digest of the cluster file. */
  cluster: string;
  job: string;
  /** The public half of the person's key. */
  person: string;
}

const of = (kind: string, { cluster, job, person }: JobPlace): string => `${kind}/${cluster}/${job}/${person}`;

export const names = {
  cluster: (digest: string): string => `cluster/${digest}`,
  /** The addresses of coordinators that were accepted for a cluster. */
  trusted: (cluster: string): string => `trusted/${cluster}`,
  /** The digest of the cluster file that the host of the page offers. */
  hostFile: "host-file",
  job: (place: JobPlace): string => of("job", place),
  jobs: "job/",
  /** What was agreed to. */
  consent: (place: JobPlace): string => of("consent", place),
  consents: (cluster: string): string => `consent/${cluster}/`,
  /** The records of all people of this device who answer a job. */
  people: (cluster: string, job: string): string => `job/${cluster}/${job}/`,
  drafts: (place: JobPlace): string => `${of("draft", place)}/`,
  draft: (place: JobPlace, item: number): string => `${of("draft", place)}/${item}`,
  submissions: (place: JobPlace): string => `${of("submission", place)}/`,
  submission: (place: JobPlace, id: string): string => `${of("submission", place)}/${id}`,
  identities: (cluster: string): string => `identity/${cluster}/`,
  /** The key that is enrolled with a cluster under a name. */
  enrolled: (cluster: string): string => `identity/${cluster}/enrolled`,
  /** The key of a person of a pool: one for each, so that nobody connects what a person does in two pools. `issuers` is the digest of the pool's issuers:
   *  anybody can give a pool the name of another. */
  pool: (cluster: string, issuers: string): string => `identity/${cluster}/pool/${issuers}`,
  buyer: "buyer/key",
  buyerJob: (cluster: string, job: string): string => `buyer/job/${cluster}/${job}`,
  /** The gold answers of a buyer's job that are not acknowledged yet, with their key. */
  buyerGold: (cluster: string, job: string): string => `buyer/gold/${cluster}/${job}`,
};
