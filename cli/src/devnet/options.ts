import { type Environment, readArguments, url } from "@surety/service";

export const USAGE = `Usage: setup --rpc-url URL --out DIR

  --rpc-url URL  JSON-RPC endpoint of a local development chain
  --out DIR      takes deployment.json and bundles/

Deploys the contracts with Anvil's account 0, compiles and registers the digit classifier, and stakes accounts 1 and 2. What DIR tells of
and stands on the chain already is left as it is.`;

/** @throws UsageError OPTION_MISSING, OPTION_INVALID */
export function readOptions(
  args: readonly string[],
  env: Environment,
): { readonly rpcUrl: string; readonly outDir: string } | "help" {
  const given = readArguments({ "rpc-url": { type: "string" }, out: { type: "string" } }, args, env);
  if (given === "help") return "help";
  return { rpcUrl: url(given.required("rpc-url"), "rpc-url"), outDir: given.required("out") };
}
