import { defineProgram, type OptionTable, required, take } from "@surety/service";

const USAGE = `Usage: setup --rpc-url URL --out DIR

  --rpc-url URL  JSON-RPC endpoint of a local development chain
  --out DIR      takes deployment.json and bundles/

Deploys the contracts with Anvil's account 0, compiles and registers the digit classifier, and stakes accounts 1 and 2. What DIR tells of
and stands on the chain already is left as it is.`;

const OPTIONS = {
  "rpc-url": { schema: take.url, value: "URL", secret: "url", help: "JSON-RPC endpoint" },
  out: { schema: take.text, value: "DIR", help: "takes the files" },
} as const satisfies OptionTable;

export const SETUP_PROGRAM = defineProgram({
  usage: USAGE,
  table: OPTIONS,
  section: "setup",
  toOptions: (given) => ({ rpcUrl: required(given, "rpc-url"), outDir: required(given, "out") }),
});
