import { expect, test } from "vitest";
import { BuyerDesk } from "../../src/buyer/desk.ts";
import { addressesOf, codesOf, isLocal } from "../../src/buyer/share.ts";
import type { Engine } from "../../src/engine/client.ts";
import { readRoute } from "../../src/route.ts";

const DIGEST = "ab".repeat(32);
const desk = new BuyerDesk({ pinned: async () => DIGEST } as unknown as Engine, { cluster: { digest: DIGEST } as never, coordinator: "http://127.0.0.1:8080" }, "");

test("addresses of this device are told from those that others can open", () => {
  expect(["http://127.0.0.1:8081/", "http://localhost/", "http://[::1]:1/", "https://p.example/", "nothing"].map(isLocal)).toEqual([true, true, true, false, false]);
  expect(addressesOf("https://p.example/tacit/#x", "https://c.example/")).toEqual({ page: "https://p.example/tacit/", coordinator: "https://c.example" });
  expect(addressesOf("http://p.example/", "https://c.example")).toBe("page");
  expect(addressesOf("https://p.example/", "c.example")).toBe("coordinator");
});

test("a link has the addresses that contributors use, and the invitation of one person", async () => {
  const linkAt = await desk.shareLinks("signs", { id: "signs", digest: DIGEST });
  const link = linkAt({ page: "https://p.example/", coordinator: "https://c.example" }, "tacit-invitation-Ab_-1");
  expect(link).toMatch(/^https:\/\/p\.example\/#cluster=[0-9a-f]{64}&job=signs&/);
  expect(link).not.toContain("127.0.0.1");
  expect(readRoute(new URL(link).hash)).toEqual({
    kind: "job",
    job: "signs",
    cluster: DIGEST,
    coordinator: "https://c.example",
    terms: DIGEST,
    invitation: "tacit-invitation-Ab_-1",
  });
});

test("codes are found in the issuer's file, each once", () => {
  const file = 'person,number,complete,code\n"Ann, A.",1,yes,tacit-invitation-aaa_1\n"Bob",2,yes,tacit-invitation-bbb-2\n';
  expect(codesOf(file + "\ntacit-invitation-aaa_1")).toEqual(["tacit-invitation-aaa_1", "tacit-invitation-bbb-2"]);
  expect(codesOf("Ann, Bob")).toEqual([]);
});
