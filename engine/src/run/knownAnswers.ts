import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { FatalError } from "@surety/protocol";
import { decodeModel } from "../onnx/proto.ts";
import { bytesOf, type HostTensor } from "../onnx/tensor.ts";
import { qualified } from "./kernelForms.ts";
import { createRawSession, runSession } from "./rawSession.ts";
import { KERNEL_VECTORS, type KernelVector } from "./vectors/index.ts";

/** Of every vector by its name: `answerHash` of its outputs. */
export const KNOWN_ANSWERS: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL("./vectors/answers.json", import.meta.url), "utf8"),
);

/** sha256 of the outputs' bytes, one after the other, in hex. */
export function answerHash(outputs: Iterable<Uint8Array>): string {
  const hash = createHash("sha256");
  for (const bytes of outputs) hash.update(bytes);
  return hash.digest("hex");
}

/** What onnxruntime makes of a vector here, as `answerHash`. */
export async function runVector(vector: KernelVector): Promise<string> {
  const { model, feeds } = vector.make();
  const session = await createRawSession(model, { intraOpNumThreads: 1 });
  try {
    return answerHash(
      Object.values(await runSession(session, feeds)).map((tensor: HostTensor) => bytesOf(tensor)),
    );
  } finally {
    await session.release();
  }
}

/** The first vector of an op that does not give its known answer on this CPU; each op is tried once in a process. */
const failures = new Map<string, Promise<string | undefined>>();

function firstFailure(op: string, holds: KernelVector["holds"], again = false): Promise<string | undefined> {
  const key = `${op} ${holds}`;
  const search = async () => {
    for (const vector of KERNEL_VECTORS) {
      if (vector.op !== op || vector.holds !== holds) continue;
      if ((await runVector(vector)) !== KNOWN_ANSWERS[vector.name]) return vector.name;
    }
    return undefined;
  };
  const found = (again ? undefined : failures.get(key)) ?? search();
  failures.set(key, found);
  return found;
}

/** Known answers of this CPU: how many there are, and the names of those that it does not give. */
export async function wrongKernels(): Promise<{
  readonly vectors: number;
  readonly wrong: readonly string[];
}> {
  const everywhere = KERNEL_VECTORS.filter(({ holds }) => holds === "every CPU");
  const wrong: string[] = [];
  for (const vector of everywhere) {
    if ((await runVector(vector)) !== KNOWN_ANSWERS[vector.name]) wrong.push(vector.name);
  }
  return { vectors: everywhere.length, wrong };
}

/** Whether an op's u8 x i8 kernel is exact on this CPU for weights over 7 bits, by its known answers. */
export async function isExactForAllWeights(op: string): Promise<boolean> {
  return (await firstFailure(op, "wide weights")) === undefined;
}

/**
 * Runs the known-answer vectors of every op of an exact graph, saturating ones included, in the forms the graph may be run in here.
 *
 * @param again Run them even if they were run in this process before: a machine may have gone wrong since.
 * @throws FatalError KERNEL_WRONG naming the vector whose answer is wrong on this machine; KERNEL_UNPROVEN for an op without vectors
 */
export async function requireKernels(graph: Uint8Array, again = false): Promise<void> {
  for (const op of opsOf(graph)) {
    if (!KERNEL_VECTORS.some((vector) => vector.op === op && vector.holds === "every CPU")) {
      throw new FatalError(
        "KERNEL_UNPROVEN",
        `There are no known answers for ${op}: it is not known to be exact.`,
      );
    }
    const failure = await firstFailure(op, "every CPU", again);
    if (failure === undefined) continue;
    throw new FatalError(
      "KERNEL_WRONG",
      `onnxruntime's kernel of ${op} is not exact on this machine: "${failure}" differs from its known answer. Nothing can be served here.`,
    );
  }
}

/** Names of the ops, with their domain where it is not the standard one. */
function opsOf(model: Uint8Array): Set<string> {
  const nodes = decodeModel(model).graph?.node ?? [];
  return new Set(nodes.map(qualified));
}
