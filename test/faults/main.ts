/**
 * `npm run test:faults -- --schedules 200 --seed S [--first I] [--lanes N]`: random fault schedules over real processes; docs/operating.md says what they
 * are. Prints a line for each, then the count, the seed and what happened; ends with 1 if one was not clean.
 */
import { parseArgs } from "node:util";
import { runFaults } from "./run-faults.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "200" },
    seed: { type: "string" },
    first: { type: "string", default: "0" },
    lanes: { type: "string", default: "2" },
  },
});
const results = await runFaults({
  seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed),
  first: Number(values.first),
  count: Number(values.schedules),
  lanes: Number(values.lanes),
  say: (line) => process.stdout.write(`${line}\n`),
});
process.exit(results.every(({ violations }) => violations.length === 0) ? 0 : 1);
