import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { cpus } from "node:os";
import { wrongKernels } from "@surety/engine";
import type { ServiceOptions } from "../options/service-options.ts";
import type { Check, Finding } from "./examine.ts";

const MB = 1_048_576;
const LEAST_DISK_BYTES = 200 * MB;
const EASY_DISK_BYTES = 2_048 * MB;

/** Files of secrets, disk and port. */
export function machineChecks(options: ServiceOptions, dataDir: string, defaultPort: number): Check[] {
  return [
    { name: "secrets", look: async () => lookAtSecrets(options) },
    { name: "disk", look: () => lookAtDisk(dataDir) },
    { name: "cpu", look: lookAtCpu },
    { name: "port", look: () => lookAtPort(options.host ?? "127.0.0.1", options.port ?? defaultPort) },
  ];
}

/** The known answers of every kernel that any model may use. */
async function lookAtCpu(): Promise<Omit<Finding, "check">> {
  const { vectors, wrong } = await wrongKernels();
  const cpu = `${cpus()[0]?.model ?? "unknown"}, ${process.arch}`;
  if (wrong.length === 0) return { verdict: "good", facts: `${vectors} known answers are right on ${cpu}` };
  const few = wrong.slice(0, 3).join(", ");
  return {
    // Models that do not use these kernels are right all the same: "models" tells.
    verdict: "warning",
    facts: `${wrong.length} of ${vectors} known answers are wrong on ${cpu}: ${few}`,
    mend: "serve no model whose layers use them; tell us the CPU",
  };
}

function lookAtSecrets({ key }: ServiceOptions): Omit<Finding, "check">[] {
  const files =
    key.kind === "keystore" ? [key.path, key.passwordFile] : key.kind === "file" ? [key.path] : [];
  const open = files.filter(
    (file) => file !== undefined && existsSync(file) && (statSync(file).mode & 0o077) !== 0,
  );
  if (open.length === 0) return [{ verdict: "good", facts: "no other user of this machine may read them" }];
  return open.map((file) => ({
    verdict: "warning",
    facts: `others may read ${file}`,
    mend: `chmod 600 ${file}`,
  }));
}

async function lookAtDisk(dataDir: string): Promise<Omit<Finding, "check">> {
  mkdirSync(dataDir, { recursive: true });
  accessSync(dataDir, constants.W_OK);
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const facts = `${Math.floor(free / MB)} MB free for ${dataDir}`;
  const mend =
    "make room: a store that cannot be written stops the service, and a trace in dispute goes to disk";
  if (free < LEAST_DISK_BYTES) return { verdict: "bad", facts, mend };
  return free < EASY_DISK_BYTES ? { verdict: "warning", facts, mend } : { verdict: "good", facts };
}

async function lookAtPort(host: string, port: number): Promise<Omit<Finding, "check">> {
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (code === undefined) return { verdict: "good", facts: `${host}:${port} is free` };
  const mend = "is the service running already? Else give another --port";
  return { verdict: "warning", facts: `${host}:${port}: ${code}`, mend };
}
