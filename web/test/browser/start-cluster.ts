// Starts the cluster that all tests in the browser share, and stops it after them.

import type { TestProject } from "vitest/node";
import { LocalCluster } from "./local-cluster.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the running cluster. */
    cluster: string;
  }
}

export default function setup(project: TestProject): () => void {
  const cluster = LocalCluster.start(4, 1);
  project.provide("cluster", cluster.folder);
  return () => cluster.stop();
}
