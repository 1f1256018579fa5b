// A real cluster on this machine, as `tacit up` starts it, in a folder of its own.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BIN = process.env["TACIT_BIN"] ?? fileURLToPath(new URL("../../../target/debug", import.meta.url));

/** A running cluster. */
export class LocalCluster {
  /** The cluster in a folder, which somebody has started. */
  constructor(readonly folder: string) {}

  static start(nodes: number, threshold: number): LocalCluster {
    const cluster = new LocalCluster(join(mkdtempSync(join(tmpdir(), "tacit-e2e-")), "cluster"));
    tacit("up", "--dir", cluster.folder, "--nodes", String(nodes), "--threshold", String(threshold));
    return cluster;
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  get token(): string {
    return this.read("token").trim();
  }

  get coordinator(): string {
    return /^url = "([^"]+)"/m.exec(this.read("cluster.toml"))?.[1] ?? "";
  }

  /** Invitation codes of the cluster's pool, one for each person. */
  get invitations(): string[] {
    const [, ...rows] = this.read("issuer/invitations.csv").trim().split("\n");
    return rows.map((row) => row.split(",").at(-1) ?? "");
  }

  /** Kills a node as a machine that loses power does. */
  kill(node: string): void {
    const own = realpathSync(join(this.folder, node));
    const found = readdirSync("/proc").filter((pid) => {
      try {
        return /^[0-9]+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`) === own;
      } catch {
        // The process has ended meanwhile, or is another user's.
        return false;
      }
    });
    if (found.length !== 1) {
      throw new Error(`${found.length} processes look like ${node}`);
    }
    process.kill(Number(found[0]), "SIGKILL");
  }

  /** Starts what was killed again. */
  mend(): void {
    tacit("up", "--dir", this.folder);
  }

  stop(): void {
    tacit("down", "--dir", this.folder);
    rmSync(join(this.folder, ".."), { recursive: true });
  }
}

function tacit(...args: string[]): string {
  return execFileSync(join(BIN, "tacit"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
