import { FatalError } from "@surety/protocol";
import { ModelBuilder } from "../onnx/build.ts";
import { describeNode, type Graph, type GraphNode } from "../onnx/graph.ts";
import { bytesOf, type HostTensor } from "../onnx/tensor.ts";
import { sha256Hex } from "../run/manifest.ts";
import { Expression } from "./expression.ts";
import { type Layout, mapInstruction } from "./mapInstruction.ts";
import { ProgramBuilder } from "./programBuilder.ts";
import { type Quantisation, quantiseActivation, type ValueStatistics } from "./quantisation.ts";
import { broadcastView, isRowMajor, type View, wholeView } from "./view.ts";

/** A value both forms have: a tensor of the exact graph, a view in the program. */
export interface ExactValue {
  /** Name in the exact graph. */
  readonly tensor: string;
  /** Logical sizes, as in the exact graph. */
  readonly dims: readonly number[];
  readonly view: View;
  /** For u8: what the integers mean. */
  readonly quantisation?: Quantisation;
}

export type QuantisedValue = ExactValue & { readonly quantisation: Quantisation };

interface Representations {
  f32?: ExactValue;
  u8?: QuantisedValue;
}

/** Opset of the exact graphs. */
export const EXACT_OPSET = 17;

/**
 * The state of a compilation: builds the exact graph and the program side by side. Each float value of the source has up to
 * two representations, f32 and u8, made when first asked for.
 */
export class Lowering {
  readonly program = new ProgramBuilder();
  readonly exact = new ModelBuilder(EXACT_OPSET);
  readonly graph: Graph;
  readonly #statistics: ReadonlyMap<string, ValueStatistics>;
  readonly #values = new Map<string, Representations>();
  readonly #consumers = new Map<string, GraphNode[]>();
  readonly #outputs: ReadonlySet<string>;
  readonly #taken: Set<string>;
  readonly #constants = new Map<string, string>();
  readonly #absorbed = new Set<GraphNode>();

  constructor(graph: Graph, statistics: ReadonlyMap<string, ValueStatistics>) {
    this.graph = graph;
    this.#statistics = statistics;
    this.#outputs = new Set(graph.outputs.map((output) => output.name));
    this.#taken = new Set([
      ...graph.inputs.map((input) => input.name),
      ...graph.nodes.flatMap((node) => node.outputs),
    ]);
    for (const node of graph.nodes) {
      for (const input of new Set(node.inputs)) {
        const consumers = this.#consumers.get(input) ?? [];
        consumers.push(node);
        this.#consumers.set(input, consumers);
      }
    }
    graph.inputs.forEach((input, index) => {
      const dims = this.dims(input.name);
      this.exact.input(input.name, "f32", dims);
      this.#values.set(input.name, {
        f32: { tensor: input.name, dims, view: wholeView("input", index, "f32", dims) },
      });
    });
  }

  /** What calibration saw of a value. */
  statistics(name: string): ValueStatistics {
    const statistics = this.#statistics.get(name);
    if (!statistics)
      throw new FatalError("COMPILE_INTERNAL", `Calibration did not record the value "${name}".`);
    return statistics;
  }

  /** Sizes of a value. */
  dims(name: string): readonly number[] {
    return this.statistics(name).dims;
  }

  /** The constant of this name, if it is one. */
  constant(name: string | undefined): HostTensor | undefined {
    return name === undefined ? undefined : this.graph.initializers.get(name);
  }

  /** The only reader of a value that is no output of the model. */
  soleConsumer(name: string): GraphNode | undefined {
    const consumers = this.#consumers.get(name) ?? [];
    return consumers.length === 1 && !this.#outputs.has(name) ? consumers[0] : undefined;
  }

  /** True where every use of the value ends in an output of the model without arithmetic, so f32 keeps most precision. */
  isOutputOnly(name: string): boolean {
    const names = [name];
    for (let current = names.pop(); current !== undefined; current = names.pop()) {
      for (const node of this.#consumers.get(current) ?? []) {
        if (!VIEW_OPS.has(node.op)) return false;
        names.push(node.outputs[0] ?? "");
      }
    }
    return true;
  }

  /** Marks a node as done inside its producer. */
  absorb(node: GraphNode): void {
    this.#absorbed.add(node);
  }

  isAbsorbed(node: GraphNode): boolean {
    return this.#absorbed.has(node);
  }

  /** A name no other value has. */
  freshName(base: string): string {
    let name = base;
    for (let suffix = 2; this.#taken.has(name); suffix++) name = `${base}_${suffix}`;
    this.#taken.add(name);
    return name;
  }

  /** An initializer of the exact graph; equal ones are shared. */
  initializer(base: string, tensor: HostTensor): string {
    const key = `${tensor.type}[${tensor.dims}]${sha256Hex(bytesOf(tensor))}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.freshName(base);
    this.exact.initializer(name, tensor);
    this.#constants.set(key, name);
    return name;
  }

  scalar(type: "f32" | "u8" | "i8", value: number): string {
    const data =
      type === "f32" ? Float32Array.of(value) : type === "u8" ? Uint8Array.of(value) : Int8Array.of(value);
    return this.initializer(`${type}_constant`, { type, dims: [], data });
  }

  /** Records a representation of a source value. */
  setQuantised(name: string, value: QuantisedValue): void {
    this.#values.set(name, { ...this.#values.get(name), u8: value });
  }

  /** Records a representation of a source value. */
  setFloat(name: string, value: ExactValue): void {
    this.#values.set(name, { ...this.#values.get(name), f32: value });
  }

  known(name: string): Readonly<Representations> {
    return this.#values.get(name) ?? {};
  }

  /** The quantisation calibration suggests for a value. */
  quantisationOf(name: string): Quantisation {
    return quantiseActivation(this.statistics(name), `"${name}"`);
  }

  /**
   * The u8 form of a value, made by QuantizeLinear if only f32 exists.
   * @param layout of a newly made tensor
   */
  quantised(name: string, layout: Layout = "as-first"): QuantisedValue {
    const { u8, f32 } = this.known(name);
    if (u8) return u8;
    if (!f32) throw new FatalError("COMPILE_INTERNAL", `The value "${name}" is used before it is computed.`);
    const quantisation = this.quantisationOf(name);
    const { scale, zero } = quantisation;
    const tensor = this.freshName(`${name}_u8`);
    this.exact.node(
      "QuantizeLinear",
      [f32.tensor, this.scalar("f32", scale), this.scalar("u8", zero)],
      [tensor],
    );
    const expression = new Expression();
    expression.quantise(expression.load(0), quantisation);
    const view = mapInstruction(
      this.program,
      `${name}: quantise`,
      tensor,
      "u8",
      [f32.view],
      expression,
      layout,
    );
    const value = { tensor, dims: f32.dims, view, quantisation };
    this.setQuantised(name, value);
    return value;
  }

  /** The f32 form of a value, made by DequantizeLinear if only u8 exists; row-major when newly made. */
  float(name: string): ExactValue {
    const { u8, f32 } = this.known(name);
    if (f32) return f32;
    if (!u8) throw new FatalError("COMPILE_INTERNAL", `The value "${name}" is used before it is computed.`);
    const tensor = this.#outputs.has(name) ? name : this.freshName(`${name}_f32`);
    this.exact.node("DequantizeLinear", this.#dequantiseInputs(u8), [tensor]);
    const expression = new Expression();
    expression.dequantise(expression.load(0), u8.quantisation);
    const view = mapInstruction(
      this.program,
      `${name}: dequantise`,
      tensor,
      "f32",
      [u8.view],
      expression,
      "row-major",
    );
    const value = { tensor, dims: u8.dims, view };
    this.setFloat(name, value);
    return value;
  }

  #dequantiseInputs({ tensor, quantisation }: QuantisedValue): string[] {
    return [tensor, this.scalar("f32", quantisation.scale), this.scalar("u8", quantisation.zero)];
  }

  /**
   * A value as an f32 operand of elementwise arithmetic: an f32 tensor the program computes, or a u8 one dequantised on the
   * fly. Model inputs are always quantised first, so that no infinity gets in.
   */
  arithmeticOperand(name: string): { tensor: string; view: View; quantisation: Quantisation | undefined } {
    const { u8, f32 } = this.known(name);
    if (f32 && !u8 && f32.view.space === "trace")
      return { tensor: f32.tensor, view: f32.view, quantisation: undefined };
    const value = this.quantised(name);
    const tensor = this.freshName(`${name}_real`);
    this.exact.node("DequantizeLinear", this.#dequantiseInputs(value), [tensor]);
    return { tensor, view: value.view, quantisation: value.quantisation };
  }

  /** A row-major copy of a value, for where strides cannot express what is needed. */
  copy(name: string, value: ExactValue): ExactValue {
    const expression = new Expression();
    expression.load(0);
    const view = mapInstruction(
      this.program,
      `${name}: copy`,
      value.tensor,
      value.view.dtype,
      [value.view],
      expression,
      "row-major",
    );
    return { ...value, view };
  }

  /** An f32 constant broadcast to `sizes`, as a view. */
  constantView(name: string, tensor: HostTensor, sizes: readonly number[]): View {
    const index = this.program.addWeight(name, "f32", tensor.data as Float32Array);
    return broadcastView(wholeView("weight", index, "f32", tensor.dims), sizes);
  }

  /** Makes a value an output of the model under its own name: f32, row-major, computed by an instruction. */
  finishOutput(name: string): { instruction: number; dims: readonly number[] } {
    let value = this.float(name);
    if (value.view.space !== "trace" || !isRowMajor(value.view)) value = this.copy(name, value);
    if (value.tensor !== name) this.exact.node("Identity", [value.tensor], [name]);
    this.exact.output(name, "f32", value.dims);
    return { instruction: value.view.index, dims: value.dims };
  }

  unsupported(node: GraphNode, reason: string): FatalError {
    return new FatalError(
      "MODEL_UNSUPPORTED",
      `${describeNode(node)} does not fit the exact profile: ${reason}.`,
    );
  }
}

/** Ops that only rename elements. */
export const VIEW_OPS: ReadonlySet<string> = new Set(
  "Flatten Reshape Squeeze Unsqueeze Transpose Identity Dropout".split(" "),
);
