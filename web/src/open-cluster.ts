// Where the page takes the cluster file and the coordinator's address from. Whoever makes a link chooses what stands in it, and a cluster file says of its
// operators whatever its author likes. So a link alone is never enough: the cluster is the one that the host of the page offers, or one that the person
// has opened or accepted on this device, or the page asks. The same holds for an address that is not the cluster file's: tokens and signed requests go
// there.

import type { ClusterView } from "tacit-engine";
import type { Engine } from "./engine/client.ts";
import { EngineFailure } from "./engine/messages.ts";
import { Api } from "./http/api.ts";
import { coordinatorUrl } from "./route.ts";

/** A cluster and where its coordinator is. */
export interface Site {
  cluster: ClusterView;
  coordinator: string;
  /** Whether the host of the page offers another cluster file than it did before. */
  hasHostChanged?: boolean;
}

/** What a person must decide before a link is followed. */
export interface Doubt {
  cluster: ClusterView;
  /** Nobody but the link says that these are the operators. */
  isForeign: boolean;
  /** The host of the page says so, too, but it said something else before. */
  hasHostChanged: boolean;
  /** The address to be used. */
  coordinator: string;
  /** The address that the cluster file names, or the job was opened with, if it is another one. */
  instead: string | undefined;
}

/** A person must look at what the link says, and accept it. */
export class NeedsConfirmation extends Error {
  constructor(readonly doubt: Doubt) {
    super("the link must be accepted first");
    this.name = "NeedsConfirmation";
  }
}

/** Nothing says which cluster it is, or the file is not the one that the link names. */
export class NeedsClusterFile extends Error {
  constructor(readonly reason: "unknown" | "other-file" | "no-address") {
    super(reason);
    this.name = "NeedsClusterFile";
  }
}

/** What is known beside the link. */
export interface Known {
  /** What the person has accepted, as it was shown. */
  accepted?: Doubt | undefined;
  /** The address of the coordinator with which the job was opened on this device before. */
  addressOfJob?: (cluster: string) => Promise<string | undefined>;
}

/** The cluster file that the host of the page has put beside it, if there is one. */
async function besidePage(): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch("./cluster.toml", { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" });
    const isText = !(response.headers.get("content-type") ?? "").includes("html");
    return response.ok && isText ? new Uint8Array(await response.arrayBuffer()) : undefined;
  } catch {
    return undefined;
  }
}

async function openHostFile(engine: Engine): Promise<ClusterView | undefined> {
  const file = await besidePage();
  try {
    return file && (await engine.openCluster({ file }));
  } catch (error) {
    if (error instanceof EngineFailure && error.code === "cluster_file") {
      return undefined;
    }
    throw error;
  }
}

/** The cluster that the link names, if it was opened here before or its coordinator has the file. */
async function openNamed(engine: Engine, digest: string, coordinator: string | undefined): Promise<ClusterView | undefined> {
  const known = await engine.openKnownCluster(digest);
  if (known !== null) {
    return known;
  }
  return coordinator === undefined ? undefined : engine.openCluster({ body: await new Api(coordinator).cluster(), digest });
}

/** Opens the cluster that a link names, or a file that a person has chosen. Throws [`NeedsConfirmation`] where the person must decide. */
export async function openCluster(
  engine: Engine,
  link: { cluster?: string; coordinator?: string },
  file?: Uint8Array,
  known: Known = {},
): Promise<Site> {
  const host = await openHostFile(engine);
  const hasHostChanged = host !== undefined && (await engine.hostFile(host.digest)) !== host.digest;
  let cluster: ClusterView;
  if (file !== undefined) {
    cluster = await engine.openCluster({ file });
    if (link.cluster !== undefined && cluster.digest !== link.cluster) {
      throw new NeedsClusterFile("other-file");
    }
  } else if (link.cluster === undefined || link.cluster === host?.digest) {
    if (host === undefined) {
      throw new NeedsClusterFile("unknown");
    }
    cluster = host;
  } else {
    const named = await openNamed(engine, link.cluster, link.coordinator);
    if (named === undefined) {
      throw new NeedsClusterFile(host === undefined ? "unknown" : "other-file");
    }
    cluster = named;
  }
  const [addresses, ofJob] = [await engine.trustedAddresses(cluster.digest), await known.addressOfJob?.(cluster.digest)];
  const isByHost = cluster.digest === host?.digest;
  const own = ofJob ?? coordinatorUrl(cluster.coordinator.address);
  const coordinator = link.coordinator ?? own;
  if (coordinator === undefined) {
    throw new NeedsClusterFile("no-address");
  }
  const isOtherAddress = coordinator !== own && !addresses?.includes(coordinator);
  const isKnown = file !== undefined || addresses !== null || ofJob !== undefined;
  const doubt: Doubt = {
    cluster,
    isForeign: !isKnown && !isByHost,
    hasHostChanged: !isKnown && isByHost && hasHostChanged,
    coordinator,
    instead: isOtherAddress ? (own ?? cluster.coordinator.address) : undefined,
  };
  const isAccepted = known.accepted?.cluster.digest === cluster.digest && known.accepted.coordinator === coordinator;
  if ((doubt.isForeign || doubt.hasHostChanged || isOtherAddress) && !isAccepted) {
    throw new NeedsConfirmation(doubt);
  }
  if (file !== undefined || isAccepted) {
    await engine.acceptCluster(cluster.digest, coordinator, isByHost);
  }
  return { cluster, coordinator, ...(hasHostChanged && !isAccepted && { hasHostChanged }) };
}
