// A coordinator of fixed answers. The cluster file and certificates are those of protocol/vectors; jobs are signed here by the same module.

import { readFileSync } from "node:fs";
import type { BrowserContext, Route } from "playwright-core";
import init, * as loaded from "../../wasm/pkg/tacit_web.js";

const root = new URL("../../../", import.meta.url);
const vector = (name: string): Record<string, never> => JSON.parse(readFileSync(new URL(`protocol/vectors/${name}.json`, root), "utf8"));

export const setup = vector("setup") as unknown as { cluster_toml: string; cluster_digest: string; buyer_seed: string; job_id: string };
const certificates = vector("certificate") as unknown as {
  cases: { name: string; expect: string; certificate: string; result_json?: string; payouts_csv?: string }[];
};

/** The module, as pages load it. */
export async function loadModule(): Promise<typeof loaded> {
  await init({ module_or_path: readFileSync(new URL("web/wasm/pkg/tacit_web_bg.wasm", root)) });
  return loaded;
}

/** The address that the cluster file names. */
export const COORDINATOR = "http://localhost:1";

/** A job for the tests. */
export function signJob(engine: typeof loaded, id: string, spec: object): { body: Uint8Array; digest: string } {
  const cluster = engine.Cluster.parse(new TextEncoder().encode(setup.cluster_toml));
  const job = engine.Job.sign(cluster, id, engine.Spec.fromJson(JSON.stringify(spec)), engine.Key.fromFile(new TextEncoder().encode(setup.buyer_seed)));
  return { body: job.signedSpec(), digest: job.digest };
}

/** A result that verifies. */
export function certified(): { certificate: string; result: string; payouts: string } {
  const found = certificates.cases.find((one) => one.expect === "ok" && one.result_json !== undefined && one.payouts_csv !== undefined);
  if (found?.result_json === undefined || found.payouts_csv === undefined) {
    throw new Error("no certificate of the vectors verifies");
  }
  return { certificate: found.certificate, result: found.result_json, payouts: found.payouts_csv };
}

/** What the coordinator answers, by method and path. */
export type Answers = Record<string, { status?: number; body: string | Uint8Array; type?: string }>;

/** The answer to GET /v1/cluster. */
export function clusterInfo(): string {
  return JSON.stringify({
    protocol: { min: 1, max: 1 },
    digest: setup.cluster_digest,
    threshold: 1,
    nodes: [0, 1, 2].map((index) => ({ name: `node-${index}`, operator: "test", address: `localhost:${1000 + index}`, identity: "00".repeat(32), sealing: null })),
    file: setup.cluster_toml,
  });
}

export function problem(kind: string, status: number): Answers[string] {
  return { status, type: "application/problem+json", body: JSON.stringify({ type: `urn:tacit:problem:${kind}`, title: kind, status, detail: "" }) };
}

/** Answers the page's requests to the coordinator. Returns all requests, with their headers and bodies. */
export async function answerRequests(context: BrowserContext, answers: Answers): Promise<string[]> {
  const seen: string[] = [];
  await context.route(`${COORDINATOR}/**`, async (route: Route) => {
    const request = route.request();
    const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*", "access-control-allow-methods": "*" };
    if (request.method() === "OPTIONS") {
      return route.fulfill({ status: 204, headers });
    }
    const { pathname } = new URL(request.url());
    seen.push(`${request.method()} ${pathname} ${JSON.stringify(request.headers())} ${request.postData() ?? ""}`);
    const answer = answers[`${request.method()} ${pathname}`] ?? problem("unknown_job", 404);
    return route.fulfill({
      status: answer.status ?? 200,
      headers: { ...headers, "content-type": answer.type ?? "application/json" },
      body: typeof answer.body === "string" ? answer.body : Buffer.from(answer.body),
    });
  });
  return seen;
}
