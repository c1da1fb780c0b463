import {
  type Bundle,
  CommittedTrace,
  evaluateProgram,
  outputElements,
  outputsRoot,
  questionAsked,
  splitInput,
  toHex,
} from "@surety/engine";
import { type FaultTarget, tamperTrace } from "@surety/oracle-node/testing";
import type { Hash32 } from "@surety/protocol";
import type { Hex } from "viem";

/** What the model really says, by the program: nothing here comes from the services. */
export interface Truth {
  /** Input number `index`. */
  input(index: number): Uint8Array;
  /** Root of the right output to a question about one of the inputs. */
  rightRoot(question: Hash32): Hex;
  /** Of a question about one of the inputs; its holder closes it. */
  trace(question: Hash32): CommittedTrace;
  /** A trace whose output is wrong: by one wrong element of a layer where that shows in the output, else by the output alone. */
  lyingTrace(question: Hash32, layer: number, share: number): CommittedTrace;
  /** Concatenation of a trace's outputs. */
  outputOf(trace: CommittedTrace): Uint8Array;
  /** Instruction of each output. */
  readonly outputInstructions: readonly number[];
}

export function createTruth(bundle: Bundle, inputs: readonly Uint8Array[]): Truth {
  const { instructions, weights } = bundle;
  const outputInstructions = bundle.header.outputs.map(({ instruction }) => instruction);
  const outputOf = (trace: CommittedTrace) =>
    Buffer.concat(outputInstructions.map((instruction) => trace.tensorBytes(instruction)));
  const byQuestion = new Map<string, Uint8Array>(
    inputs.map((input) => [questionAsked(bundle, input) as string, input]),
  );
  const roots = new Map<string, Hex>();

  function inputOf(question: Hash32): Uint8Array {
    const input = byQuestion.get(question);
    if (input === undefined) throw new Error(`Nobody asked the question ${question}.`);
    return input;
  }

  function tampered(input: Uint8Array, target: FaultTarget): CommittedTrace {
    const model = { instructions, weights, outputs: outputInstructions };
    const tensors = splitInput(bundle.header.inputBytes, input);
    return new CommittedTrace(tamperTrace(model, tensors, evaluateProgram(bundle, input), target));
  }

  return {
    input: (index) => inputs[index] as Uint8Array,
    rightRoot(question) {
      const known = roots.get(question);
      if (known !== undefined) return known;
      const trace = new CommittedTrace(evaluateProgram(bundle, inputOf(question)));
      const root = toHex(outputsRoot(outputInstructions.map((at) => trace.tensorBytes(at))));
      trace.close();
      roots.set(question, root);
      return root;
    },
    trace: (question) => new CommittedTrace(evaluateProgram(bundle, inputOf(question))),
    lyingTrace(question, layer, share) {
      const input = inputOf(question);
      const instruction = instructions[Math.min(layer, instructions.length - 1)];
      if (instruction === undefined) throw new Error("The model has no instructions.");
      const element = Math.floor(share * outputElements(instruction));
      const lie = tampered(input, { layer: Math.min(layer, instructions.length - 1), element });
      const honest = new CommittedTrace(evaluateProgram(bundle, input));
      const isSeen = Buffer.compare(outputOf(lie), outputOf(honest)) !== 0;
      honest.close();
      if (isSeen) return lie;
      lie.close();
      return tampered(input, "output");
    },
    outputOf,
    outputInstructions,
  };
}
