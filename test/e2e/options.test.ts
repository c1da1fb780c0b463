import { OWN_OF_OTHERS, SERVICE_OPTIONS } from "@surety/service";
import { expect, it } from "vitest";
import { CHALLENGER_PROGRAM } from "../../challenger/src/options/read-options.ts";
import { NODE_PROGRAM } from "../../oracle-node/src/options/read-options.ts";
import { WORKER_PROGRAM } from "../../oracle-node/src/worker/options.ts";

it("every service knows the names of the others' own options, so that they may share an environment", () => {
  const own = [NODE_PROGRAM, CHALLENGER_PROGRAM, WORKER_PROGRAM].flatMap(({ table }) =>
    Object.keys(table).filter((name) => !(name in SERVICE_OPTIONS)),
  );
  expect([...new Set(own)].sort()).toEqual([...OWN_OF_OTHERS].sort());
});
