import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { env } from "onnxruntime-node";

/** What a result depends on beside the code. */
export function machineFacts() {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    architecture: process.arch,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    /** Processes that wanted a core in the last minute, at the start: above 0 the machine was not quiet. */
    load: loadavg()[0] ?? 0,
    node: process.version,
    v8: process.versions.v8,
    onnxruntime: env.versions.node ?? "unknown",
    at: new Date().toISOString(),
  };
}

export type MachineFacts = ReturnType<typeof machineFacts>;
