import { expect, test } from "vitest";
import { coordinatorUrl, jobFragment, readRoute, withoutInvitation } from "../../src/route.ts";

const CLUSTER = "ab".repeat(32);
const TERMS = "cd".repeat(32);

test("a whole link is read, and written again as it was", () => {
  const fragment = `#cluster=${CLUSTER}&job=signs&coordinator=${encodeURIComponent("https://c.example:8443/tacit")}&terms=${TERMS}&invitation=CODE-1`;
  const route = readRoute(fragment);
  expect(route).toEqual({
    kind: "job",
    cluster: CLUSTER,
    job: "signs",
    coordinator: "https://c.example:8443/tacit",
    terms: TERMS,
    invitation: "CODE-1",
  });
  expect(route.kind === "job" && readRoute(jobFragment(route))).toEqual(route);
});

test("a damaged field is named, and not left out without a word", () => {
  expect(readRoute("#job=signs&cluster=abcd")).toEqual({ kind: "wrong", field: "cluster" });
  expect(readRoute("#job=Signs")).toEqual({ kind: "wrong", field: "job" });
  expect(readRoute(`#job=signs&terms=${TERMS.slice(1)}`)).toEqual({ kind: "wrong", field: "terms" });
  expect(readRoute("#job=signs&coordinator=javascript:alert(1)")).toEqual({ kind: "wrong", field: "coordinator" });
});

test("the buyer's part and the start have addresses of their own", () => {
  expect(readRoute("#buyer")).toEqual({ kind: "buyer" });
  expect(readRoute(`#buyer&cluster=${CLUSTER}&job=signs`)).toEqual({ kind: "buyer", cluster: CLUSTER, job: "signs" });
  expect(readRoute("")).toEqual({ kind: "start" });
});

test("plain HTTP is taken for this machine only", () => {
  expect(coordinatorUrl("http://127.0.0.1:8080/")).toBe("http://127.0.0.1:8080");
  expect(coordinatorUrl("http://localhost:8080")).toBe("http://localhost:8080");
  expect(coordinatorUrl("http://c.example")).toBeUndefined();
  expect(coordinatorUrl("https://user:pw@c.example")).toBeUndefined();
  expect(coordinatorUrl("https://c.example/?x=1")).toBeUndefined();
  expect(coordinatorUrl("https://c.example/api/")).toBe("https://c.example/api");
});

test("the invitation is taken out of the address and nothing else is", () => {
  const fragment = withoutInvitation(`#cluster=${CLUSTER}&job=signs&invitation=SECRET`);
  expect(fragment).not.toContain("SECRET");
  expect(readRoute(fragment)).toEqual({ kind: "job", cluster: CLUSTER, job: "signs" });
});
