// Where the page takes the cluster file from. Its digest comes from the link, from what was opened here before, or from the file beside the page,
// which is as trustworthy as the page. The keys of the nodes are never taken on the coordinator's word alone.

import type { ClusterView } from "tacit-engine";
import type { Engine } from "./engine/client.ts";
import { Api } from "./http/api.ts";
import { coordinatorUrl } from "./route.ts";

/** A cluster and where its coordinator is. */
export interface Site {
  cluster: ClusterView;
  coordinator: string;
}

/** Nothing says which cluster it is, or the file is not the one that the link names. */
export class NeedsClusterFile extends Error {
  constructor(readonly reason: "unknown" | "other-file" | "no-address") {
    super(reason);
    this.name = "NeedsClusterFile";
  }
}

/** The cluster file that the host of the page has put beside it, if there is one. */
async function besidePage(): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch("./cluster.toml", { credentials: "omit", referrerPolicy: "no-referrer" });
    const isText = !(response.headers.get("content-type") ?? "").includes("html");
    return response.ok && isText ? new Uint8Array(await response.arrayBuffer()) : undefined;
  } catch {
    return undefined;
  }
}

function siteOf(cluster: ClusterView, coordinator: string | undefined): Site {
  const address = coordinator ?? coordinatorUrl(cluster.coordinator.address);
  if (address === undefined) {
    throw new NeedsClusterFile("no-address");
  }
  return { cluster, coordinator: address };
}

/** Opens the cluster that a link names, or a file that a person has chosen. */
export async function openCluster(
  engine: Engine,
  link: { cluster?: string; coordinator?: string },
  file?: Uint8Array,
): Promise<Site> {
  if (file !== undefined) {
    return siteOf(await openFile(engine, file, link.cluster), link.coordinator);
  }
  if (link.cluster !== undefined) {
    const known = await engine.openKnownCluster(link.cluster);
    if (known !== null) {
      return siteOf(known, link.coordinator);
    }
    if (link.coordinator !== undefined) {
      const body = await new Api(link.coordinator).cluster();
      return siteOf(await engine.openCluster({ body, digest: link.cluster }), link.coordinator);
    }
  }
  const beside = await besidePage();
  if (beside === undefined) {
    throw new NeedsClusterFile("unknown");
  }
  return siteOf(await openFile(engine, beside, link.cluster), link.coordinator);
}

async function openFile(engine: Engine, file: Uint8Array, digest: string | undefined): Promise<ClusterView> {
  const cluster = await engine.openCluster({ file });
  if (digest !== undefined && cluster.digest !== digest) {
    throw new NeedsClusterFile("other-file");
  }
  return cluster;
}
