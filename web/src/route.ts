// What the address of the page says. Everything stands in the fragment, which browsers send to nobody: not even the host of the page learns which
// job somebody answers.

/** The address of a job for contributors. */
export interface JobRoute {
  kind: "job";
  job: string;
  /** The digest of the cluster file, if the link pins it. */
  cluster?: string;
  /** Where the coordinator is. */
  coordinator?: string;
  /** The digest of the terms, if the link pins it. */
  terms?: string;
  /** An invitation code: taken out of the address as soon as it is read. */
  invitation?: string;
}

/** The buyer's part of the page. */
export interface BuyerRoute {
  kind: "buyer";
  cluster?: string;
  coordinator?: string;
  job?: string;
}

/** What the page shows. */
export type Route = { kind: "start"; cluster?: string; coordinator?: string } | JobRoute | BuyerRoute | { kind: "wrong"; field: string };

const DIGEST = /^[0-9a-f]{64}$/;
const JOB = /^[a-z0-9-]{1,64}$/;

/** Whether a host is this machine: there, and only there, plain HTTP is secure. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "127.0.0.1" || host === "[::1]";
}

/** Whether the page is shown inside another one. */
export function isFramed(frame: { top: unknown; self: unknown }): boolean {
  return frame.top !== frame.self;
}

/** The address of a coordinator in its usual spelling, or nothing if it cannot be one. */
export function coordinatorUrl(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  if (!isSafe || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return undefined;
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** Reads the fragment of an address, with or without `#`. */
export function readRoute(fragment: string): Route {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const given: { cluster?: string; coordinator?: string; job?: string; terms?: string; invitation?: string } = {};
  for (const [name, isRight] of [
    ["cluster", (text: string) => DIGEST.test(text)],
    ["job", (text: string) => JOB.test(text)],
    ["terms", (text: string) => DIGEST.test(text)],
    ["invitation", (text: string) => text.length <= 4096],
  ] as const) {
    const text = fields.get(name)?.trim();
    if (text === undefined || text === "") {
      continue;
    }
    if (!isRight(text)) {
      return { kind: "wrong", field: name };
    }
    given[name] = text;
  }
  const address = fields.get("coordinator")?.trim();
  if (address) {
    const url = coordinatorUrl(address);
    if (url === undefined) {
      return { kind: "wrong", field: "coordinator" };
    }
    given.coordinator = url;
  }
  const { cluster, coordinator, job, terms, invitation } = given;
  const place = { ...(cluster && { cluster }), ...(coordinator && { coordinator }) };
  if (fields.has("buyer")) {
    return { kind: "buyer", ...place, ...(job && { job }) };
  }
  if (job === undefined) {
    return { kind: "start", ...place };
  }
  return { kind: "job", job, ...place, ...(terms && { terms }), ...(invitation && { invitation }) };
}

/** The fragment of a job, to share with contributors. */
export function jobFragment(route: Omit<JobRoute, "kind" | "invitation"> & { invitation?: string | undefined }): string {
  const fields = new URLSearchParams();
  for (const name of ["cluster", "job", "coordinator", "terms", "invitation"] as const) {
    const value = route[name];
    if (value !== undefined) {
      fields.set(name, value);
    }
  }
  return `#${fields.toString()}`;
}

/** The fragment without the invitation code. */
export function withoutInvitation(fragment: string): string {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  fields.delete("invitation");
  return `#${fields.toString()}`;
}
