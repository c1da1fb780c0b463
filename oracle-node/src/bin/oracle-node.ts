#!/usr/bin/env node
import { errorCode, SuretyError, UsageError } from "@surety/protocol";
import { readOptions, USAGE } from "../options/read-options.ts";
import { startOracleNode } from "./start-oracle-node.ts";

/** One line, by its code. Exit 2 for wrong use, 1 for anything else. */
function fail(error: unknown): never {
  const message = error instanceof SuretyError ? error.shortMessage : String(error).split("\n")[0];
  process.stderr.write(`error[${errorCode(error)}]: ${message}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === "help") {
    process.stdout.write(`${USAGE}\n`);
  } else {
    const node = await startOracleNode(options);
    node.failed.catch(fail);
    let stopping = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (stopping) return;
        stopping = true;
        node.stop().then(() => process.exit(0), fail);
      });
    }
    process.stdout.write(`${JSON.stringify({ ready: true, url: node.url, address: node.address })}\n`);
  }
} catch (error) {
  fail(error);
}
