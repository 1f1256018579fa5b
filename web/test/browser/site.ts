// What a test file needs around the page: a browser, a host that serves the page, and the shared cluster behind a relay that watches its coordinator.

import type { Browser } from "playwright-core";
import { inject } from "vitest";
import { launch } from "./chromium.ts";
import { LocalCluster } from "./local-cluster.ts";
import { startPageHost, type PageHost } from "./page-host.ts";
import { Relay } from "./relay.ts";

/** All of it, running. */
export interface Site {
  cluster: LocalCluster;
  browser: Browser;
  host: PageHost;
  relay: Relay;
  /** The address of the buyer's part. */
  buyer: string;
  close(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const cluster = new LocalCluster(inject("cluster"));
  const [browser, host, relay] = await Promise.all([launch(), startPageHost(), Relay.start(cluster.coordinator)]);
  host.files.set("cluster.toml", Buffer.from(cluster.read("cluster.toml")));
  return {
    cluster,
    browser,
    host,
    relay,
    buyer: `${host.url}#buyer&coordinator=${encodeURIComponent(relay.url)}`,
    close: async () => {
      await browser.close();
      await Promise.all([host.close(), relay.close()]);
    },
  };
}
