import {
  defineProgram,
  MODEL_OPTIONS,
  type ModelOptions,
  modelOptionsOf,
  type OptionTable,
  optional,
  readDeployment,
  required,
  SERVICE_OPTIONS,
  take,
  usage,
} from "@surety/service";
import type { PoolOptions } from "../inference/pool.ts";
import { POOL_OPTIONS, poolOptionsOf } from "../options/pool-options.ts";
import { queueOwner } from "../queue/work-queues.ts";

/** Everything a worker is started with. It has no key and asks no chain. */
export interface WorkerOptions extends ModelOptions, PoolOptions {
  /** `redis://...` or `postgres://...`: the node's. */
  readonly queueUrl: string;
  /** Whose jobs: `queueOwner`. */
  readonly owner: string;
  readonly dataDir?: string;
  /** In logs and results. Default: the machine's name and the process's number. */
  readonly name?: string;
  readonly host?: string;
  readonly port?: number;
  readonly logLevel?: string;
}

export const WORKER_PORT = 9466;

const { deployment, host, port } = SERVICE_OPTIONS;
const OPTIONS = {
  queue: {
    schema: take.text,
    value: "URL",
    secret: "url",
    help: "redis://... or postgres://..., the node's",
  },
  deployment,
  "chain-id": { ...SERVICE_OPTIONS["chain-id"], help: "of the chain that the node follows" },
  operator: { schema: take.address, value: "ADDRESS", help: "the node's account" },
  ...MODEL_OPTIONS,
  ...POOL_OPTIONS,
  "data-dir": SERVICE_OPTIONS["data-dir"],
  name: { schema: take.text, value: "NAME", help: "in logs and results (default: machine and process)" },
  host,
  port: { ...port, help: `of the API (default ${WORKER_PORT}; 0 takes a free one)` },
  "log-level": SERVICE_OPTIONS["log-level"],
  "print-config": SERVICE_OPTIONS["print-config"],
} as const satisfies OptionTable;

/** Flags, `SURETY_*` and the `[worker]` of a file. The API's default port is 9466. */
export const WORKER_PROGRAM = defineProgram({
  usage: usage(
    "surety worker",
    "--queue URL --deployment FILE --chain-id N --operator ADDRESS --bundles DIR",
    OPTIONS,
  ),
  table: OPTIONS,
  section: "worker",
  toOptions(given): WorkerOptions {
    const { oracle, game } = readDeployment(required(given, "deployment")).addresses;
    return {
      queueUrl: required(given, "queue"),
      owner: queueOwner(required(given, "chain-id"), oracle, game, required(given, "operator")),
      ...modelOptionsOf(given),
      ...optional("dataDir", given["data-dir"]),
      ...poolOptionsOf(given),
      ...optional("name", given.name),
      ...optional("host", given.host),
      ...optional("port", given.port),
      ...optional("logLevel", given["log-level"]),
    };
  },
});
