import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface SignerProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a signer of Web3Signer's kind in a process of its own; for tests. */
export async function startSigner(
  privateKey: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<SignerProcess> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, "signer.ts")], {
    env: { ...process.env, SIGNER_KEY: privateKey, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [url] = (await once(lines, "line")) as [string];
  return {
    url,
    async stop() {
      process.off("exit", kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      kill();
      await gone;
    },
  };
}
