import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { FatalError } from "@surety/protocol";

export interface AnvilOptions {
  /** TCP port on the loopback. Default: a free one. */
  readonly port?: number;
  /** Default: 31337. */
  readonly chainId?: number;
  /** Seconds between blocks. Default: none, every transaction is mined at once. */
  readonly blockTimeSeconds?: number;
}

export interface Anvil {
  readonly url: string;
  /** Ends the process and resolves when it is gone. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 20_000;

/**
 * Starts a development chain for tests and the demo.
 *
 * The binary is started itself, not npm's wrapper around it, so that `stop` leaves no process behind; should this process die, an exit
 * hook ends the chain too.
 *
 * @example
 * const anvil = await startAnvil({ blockTimeSeconds: 1 });
 * try { ... } finally { await anvil.stop(); }
 *
 * @throws FatalError ANVIL_FAILED
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const port = options.port ?? (await freePort());
  const child = spawn(
    anvilBinary(),
    [
      ...["--host", "127.0.0.1", "--port", String(port), "--chain-id", String(options.chainId ?? 31337)],
      ...["--hardfork", "prague"],
      ...(options.blockTimeSeconds === undefined ? [] : ["--block-time", String(options.blockTimeSeconds)]),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await gone;
  };
  try {
    await listening(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string) =>
      reject(
        new FatalError("ANVIL_FAILED", `Anvil ${why}.`, {
          metaMessages: output.trim().split("\n").slice(-5),
        }),
      );
    const timer = setTimeout(() => fail(`was not ready after ${READY_TIMEOUT_MS} ms`), READY_TIMEOUT_MS);
    const read = (chunk: Buffer) => {
      // Keeps reading after it is ready, so that the pipe never fills up and stops the process.
      if (output.length < 100_000) output += chunk.toString();
      if (!output.includes("Listening on")) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", (error) => fail(`did not start (${error.message})`));
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(`ended with code ${code}`);
    });
  });
}

function anvilBinary(): string {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const require = createRequire(import.meta.url);
  const resolver = createRequire(require.resolve("@foundry-rs/anvil/package.json"));
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`;
  try {
    return resolver.resolve(`${name}/bin/anvil`);
  } catch (cause) {
    throw new FatalError("ANVIL_FAILED", `The npm package ${name} is not installed: run npm install.`, {
      cause,
    });
  }
}

/** A TCP port of the loopback that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object"
          ? resolve(address.port)
          : reject(new FatalError("ANVIL_FAILED", "No free TCP port.")),
      );
    });
  });
}
