import { existsSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "@surety/protocol";
import type { Finding } from "./examine.ts";

/**
 * Whether a service's store can be opened.
 *
 * @param file Of the store, in the data directory.
 * @param describe Opens the store, says what is in it, and closes it.
 */
export function lookAtStore(dataDir: string, file: string, describe: () => string): Omit<Finding, "check"> {
  if (!existsSync(join(dataDir, file))) return { verdict: "good", facts: `${dataDir} is new` };
  try {
    return { verdict: "good", facts: describe() };
  } catch (error) {
    if (errorCode(error) !== "STORE_LOCKED") throw error;
    const mend = "is the service running already? Two on one store cannot be";
    return { verdict: "warning", facts: `${dataDir} is in use`, mend };
  }
}
