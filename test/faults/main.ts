/**
 * `npm run test:faults -- --schedules 200 --seed S [--first I] [--lanes N] [--kinds K,L]`: random fault schedules over real processes; docs/operating.md says what they
 * are. Prints a line for each, then the count, the seed and what happened; ends with 1 if one was not clean.
 */
import { parseArgs } from "node:util";
import { runFaults } from "./run-faults.ts";
import { FAULT_KINDS } from "./schedule/schedule.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "200" },
    seed: { type: "string" },
    first: { type: "string", default: "0" },
    lanes: { type: "string", default: "2" },
    kinds: { type: "string", default: FAULT_KINDS.join(",") },
  },
});
// What was started ends with this process.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const results = await runFaults({
  seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed),
  first: Number(values.first),
  count: Number(values.schedules),
  lanes: Number(values.lanes),
  kinds: FAULT_KINDS.filter((kind) => values.kinds.split(",").includes(kind)),
  say: (line) => process.stdout.write(`${line}\n`),
});
process.exit(results.every(({ violations }) => violations.length === 0) ? 0 : 1);
