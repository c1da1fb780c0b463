import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { FatalError, UsageError } from "@surety/protocol";
import type { Command } from "commander";
import { print, toJson } from "../output.ts";

interface DrainOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly stop?: true;
  readonly cancel?: true;
  readonly wait: boolean;
  readonly json?: true;
}

interface DrainState {
  readonly draining: boolean;
  readonly drained: boolean;
  readonly openAssertions: number;
  readonly openGames: number;
}

const POLL_MS = 1_000;

/** `surety node drain`: asks a running node by its API. */
export function addDrainCommand(node: Command): void {
  node
    .command("drain")
    .description("have a running node answer nothing new, and wait until nothing of its is open")
    .option("--url <url>", "of the node's API", "http://127.0.0.1:9464")
    .option("--token-file <file>", "its first line is the API's token; without it SURETY_API_TOKEN")
    .option("--stop", "the node ends, with exit code 0, once nothing is open")
    .option("--cancel", "take up work again")
    .option("--no-wait", "do not wait until nothing is open")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  surety node drain --token-file token --stop")
    .action(drain);
}

async function drain({ url, tokenFile, stop, cancel, wait, json }: DrainOptions): Promise<void> {
  const token =
    tokenFile === undefined
      ? process.env.SURETY_API_TOKEN
      : readFileSync(tokenFile, "utf8").split(/\r?\n/)[0];
  if (!token) throw new UsageError("OPTION_MISSING", "Give --token-file, or the token as SURETY_API_TOKEN.");
  const ask = (method: string, body?: object) => askNode(`${url}/v1/drain`, token, method, body);
  let state = cancel ? await ask("DELETE") : await ask("POST", { stop: stop === true });
  let said = "";
  const say = () => {
    const text = state.drained
      ? "nothing is open"
      : `open: ${state.openAssertions} answers, ${state.openGames} games`;
    if (!json && text !== said) print(text);
    said = text;
  };
  if (!cancel && wait) {
    while (!state.drained) {
      if (!state.draining) throw new FatalError("DRAIN_CANCELLED", "Somebody else cancelled the draining.");
      say();
      await sleep(POLL_MS);
      state = await ask("GET");
    }
  }
  if (json) print(toJson(state));
  else if (cancel) print("the node takes up work again");
  else say();
}

async function askNode(url: string, token: string, method: string, body?: object): Promise<DrainState> {
  let response: Response;
  let answer: DrainState & { readonly message?: string };
  try {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    response = await fetch(url, { method, headers, ...sent, signal: AbortSignal.timeout(10_000) });
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw new FatalError(
      "NODE_UNREACHABLE",
      `The node's API at ${new URL(url).host} does not answer. Check --url.`,
      { cause },
    );
  }
  if (response.ok) return answer;
  throw new FatalError(
    "NODE_REFUSED",
    `The node answered ${response.status}: ${answer.message ?? "no reason given"}`,
  );
}
