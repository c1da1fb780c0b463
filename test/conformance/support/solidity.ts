import { bytesToHex } from "viem";
import { type Network, startNetwork } from "../../../contracts/test/support/network.ts";
import { buildStepWitness, CommittedTensors } from "../../../engine/src/commit/index.ts";
import { encodeInstruction } from "../../../engine/src/program/encode.ts";
import type { Instruction } from "../../../engine/src/program/instruction.ts";
import { tensorReader } from "../../../engine/src/referee/element-reader.ts";
import { evaluateElement } from "../../../engine/src/referee/evaluate-element.ts";
import { type Case, operandBytes } from "./random-instruction.ts";

/** An element's stored bits, or that it is malformed. */
export type Answer = bigint | "malformed";
/** `IStepReferee.Verdict` */
export const VERDICTS = ["Same", "Different", "Malformed"] as const;

/** The reference's answer. */
export function typescriptAnswer(
  instruction: Instruction,
  element: number,
  tensors: readonly Uint8Array[],
): Answer {
  const readers = instruction.operands.map(({ dtype }, i) => tensorReader(tensors[i] as Uint8Array, dtype));
  return orMalformed(() => evaluateElement(instruction, element, readers));
}

export function orMalformed<Result>(compute: () => Result): Result | "malformed" {
  try {
    return compute();
  } catch (error) {
    if ((error as { code?: string }).code === "PROGRAM_MALFORMED") return "malformed";
    throw error;
  }
}

/** The referee in an in-process chain: `evaluate` in bulk without commitments, `judge` as the game calls it. */
export class SolidityReferee {
  readonly #network: Network;
  readonly #harness: Awaited<ReturnType<Network["deploy"]>>;
  readonly #referee: Awaited<ReturnType<Network["deploy"]>>;

  private constructor(
    network: Network,
    harness: Awaited<ReturnType<Network["deploy"]>>,
    referee: Awaited<ReturnType<Network["deploy"]>>,
  ) {
    this.#network = network;
    this.#harness = harness;
    this.#referee = referee;
  }

  static async start(): Promise<SolidityReferee> {
    const network = await startNetwork();
    return new SolidityReferee(
      network,
      await network.deploy("test-harness/RefereeHarness.sol"),
      await network.deploy("dispute/StepReferee.sol"),
    );
  }

  stop(): Promise<void> {
    return this.#network.close();
  }

  async evaluate(
    encoded: Uint8Array,
    index: number,
    elements: readonly number[],
    tensors: readonly Uint8Array[],
  ): Promise<{ answers: Answer[]; gas: bigint[] }> {
    const [statuses, values, gas] = (await this.#network.publicClient.readContract({
      ...this.#harness,
      functionName: "evaluate",
      args: [index, bytesToHex(encoded), tensors.map((bytes) => bytesToHex(bytes)), elements],
    })) as [number[], (number | bigint)[], bigint[]];
    return {
      answers: statuses.map((status, i) => (status === 1 ? "malformed" : BigInt(values[i] as bigint))),
      gas,
    };
  }

  /** What `judge` says about a posted element, with the witness that a challenger builds. */
  async judge(one: Case, element: number, posted: bigint): Promise<{ verdict: string; expected: bigint }> {
    const step = witnessOfCase(one, element, posted);
    const [verdict, expected] = (await this.#network.publicClient.readContract({
      ...this.#referee,
      functionName: "judge",
      args: [step.roots, step.index, step.instruction, element, posted, step.inputRoots, step.operands],
    })) as [number, number | bigint];
    return { verdict: VERDICTS[verdict] as string, expected: BigInt(expected) };
  }

  /** Gas of a transaction that only calls `judge`, and of that its calldata's share (EIP-7623 floor aside). */
  async judgeGas(one: Case, element: number, posted: bigint): Promise<bigint> {
    const step = witnessOfCase(one, element, posted);
    return await this.#network.publicClient.estimateContractGas({
      ...this.#referee,
      functionName: "judge",
      args: [step.roots, step.index, step.instruction, element, posted, step.inputRoots, step.operands],
    });
  }

  async decodes(
    encodings: readonly { readonly index: number; readonly bytes: Uint8Array }[],
  ): Promise<boolean[]> {
    return (await this.#network.publicClient.readContract({
      ...this.#harness,
      functionName: "decodes",
      args: [encodings.map(({ index }) => index), encodings.map(({ bytes }) => bytesToHex(bytes))],
    })) as boolean[];
  }
}

function witnessOfCase(one: Case, element: number, posted: bigint) {
  return buildStepWitness({
    instruction: encodeInstruction(one.instruction),
    index: one.index,
    element,
    // The instruction's own tensor is never opened by the referee.
    trace: new CommittedTensors([...one.trace, new Uint8Array(1)]),
    weights: new CommittedTensors(one.weights),
    inputs: new CommittedTensors(one.inputs),
    posted,
  });
}

/** Everything about a case, for whoever has to find out why it failed. */
export function printed(one: Case, element: number): string {
  const tensors = operandBytes(one).map((bytes) => bytesToHex(bytes));
  return JSON.stringify({ element, index: one.index, instruction: one.instruction, tensors });
}
