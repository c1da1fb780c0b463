import { FatalError } from "@surety/protocol";
import { type AttributeInput, ModelBuilder } from "../onnx/build.ts";
import { freshName } from "../onnx/freshName.ts";
import { describeNode, type Graph, type GraphNode } from "../onnx/graph.ts";
import type { IntegerConstant } from "../onnx/integerConstants.ts";
import { bytesOf, ELEMENT_TYPES, type HostTensor, type TensorData } from "../onnx/tensor.ts";
import { sha256Hex } from "../run/manifest.ts";
import { missingName } from "../run/onnxruntime.ts";
import type { Affine } from "./affine.ts";
import { Elementwise } from "./elementwise.ts";
import { Expression } from "./expression.ts";
import type { Rung, Rungs } from "./linear/rung.ts";
import { type Layout, mapInstruction } from "./mapInstruction.ts";
import { CANONICAL_OPSET } from "./prepare/opset.ts";
import { ProgramBuilder } from "./programBuilder.ts";
import { type Quantisation, quantiseActivation, type ValueStatistics } from "./quantisation.ts";
import { DTYPE_OF, type ExactValue, isProgramType, type ProgramType, type QuantisedValue } from "./values.ts";
import { isRowMajor, type View, wholeView } from "./view.ts";

/**
 * The forms a source value can be had in. A form not made yet is a function: it is computed when first asked for, so that what nobody
 * reads is never emitted.
 */
export interface Forms {
  /** In its own element type: f32 for float values. */
  plain?: () => ExactValue;
  /** Float values as u8 integers. */
  quantised?: () => QuantisedValue;
  /** Where the value would be NaN if it were not 0 there, a bool; only what moves elements of an input hands it on. */
  missing?: () => ExactValue;
}

interface Known {
  readonly plain: ExactValue | undefined;
  /** Present where a u8 form exists or can be had without rounding anew. */
  readonly quantised: (() => QuantisedValue) | undefined;
}

/** The state of a compilation: builds the exact graph and the program side by side. */
export class Lowering {
  readonly program = new ProgramBuilder();
  readonly exact = new ModelBuilder(CANONICAL_OPSET);
  readonly graph: Graph;
  readonly #statistics: ReadonlyMap<string, ValueStatistics>;
  readonly #forms = new Map<string, Forms>();
  readonly #made = new Map<string, { plain?: ExactValue; quantised?: QuantisedValue }>();
  readonly #preferred = new Map<string, Quantisation>();
  readonly #steps = new Map<string, Affine>();
  readonly #dequantised = new Map<string, string>();
  readonly #consumers = new Map<string, GraphNode[]>();
  readonly #outputs: ReadonlySet<string>;
  readonly #taken: Set<string>;
  readonly #constants = new Map<string, string>();
  readonly #absorbed = new Set<GraphNode>();
  readonly #rungs: Rungs;
  readonly #kept = new Map<string, unknown>();

  /** @param rungs how precisely linear layers compute */
  constructor(graph: Graph, statistics: ReadonlyMap<string, ValueStatistics>, rungs: Rungs = new Map()) {
    this.graph = graph;
    this.#rungs = rungs;
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
      if (!isProgramType(input.type))
        throw new FatalError(
          "MODEL_UNSUPPORTED",
          `The input "${input.name}" is ${input.type}, which is not in the exact profile.`,
        );
      const { type, name } = input;
      const view = wholeView("input", index, DTYPE_OF[type], dims);
      if (type !== "bool") {
        this.exact.input(name, type, dims);
        this.setPlain(name, { tensor: name, dims, view, type });
        if (type === "f32") this.setForms(name, { missing: () => this.#missingInput(name, index) });
        return;
      }
      // A bool on the chain may be any byte: the graph takes it as u8, and both forms make it 0 or 1 first.
      this.exact.input(name, "u8", dims);
      this.setForms(name, {
        plain: () => {
          const kernel = new Elementwise(this, `${name}: to bool`, dims);
          return kernel.store(kernel.toBool(kernel.load({ tensor: name, dims, view, type: "u8" })), name);
        },
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

  /** Sizes of a value or constant. */
  dims(name: string): readonly number[] {
    return this.constant(name)?.dims ?? this.statistics(name).dims;
  }

  /** The constant of this name, if it is one. */
  constant(name: string | undefined): HostTensor | undefined {
    return name === undefined ? undefined : this.graph.initializers.get(name);
  }

  /** The model's own integers behind a constant. */
  integers(name: string | undefined): IntegerConstant | undefined {
    return name === undefined ? undefined : this.graph.integerConstants?.get(name);
  }

  /** The only reader of a value that is no output of the model. */
  soleConsumer(name: string): GraphNode | undefined {
    const consumers = this.#consumers.get(name) ?? [];
    return consumers.length === 1 && !this.#outputs.has(name) ? consumers[0] : undefined;
  }

  consumers(name: string): readonly GraphNode[] {
    return this.#consumers.get(name) ?? [];
  }

  isOutput(name: string): boolean {
    return this.#outputs.has(name);
  }

  /** Marks a node as done inside its producer. */
  absorb(node: GraphNode): void {
    this.#absorbed.add(node);
  }

  isAbsorbed(node: GraphNode): boolean {
    return this.#absorbed.has(node);
  }

  /** How precisely a linear layer is to compute. */
  rung(node: GraphNode): Rung {
    return this.#rungs.get(node.outputs[0] ?? "") ?? 0;
  }

  /** Makes something the first time this key is asked for. */
  once<Value>(key: string, make: () => Value): Value {
    if (!this.#kept.has(key)) this.#kept.set(key, make());
    return this.#kept.get(key) as Value;
  }

  /** A name no other value has. */
  freshName(base: string): string {
    return freshName(this.#taken, base);
  }

  /** Adds a node with one new output to the exact graph and returns the output's name. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
    base: string = op.toLowerCase(),
  ): string {
    const tensor = this.freshName(base);
    this.exact.node(op, inputs, [tensor], attributes);
    return tensor;
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

  scalar(type: ProgramType, value: number): string {
    const data = new ELEMENT_TYPES[type].array(1) as Float32Array;
    if (type === "i64") (data as unknown as BigInt64Array)[0] = BigInt(value);
    else data[0] = value;
    return this.initializer(`${type}_constant`, { type, dims: [], data });
  }

  /** Says how a value can be had. Forms given later replace earlier ones of the same kind. */
  setForms(name: string, forms: Forms): void {
    this.#forms.set(name, { ...this.#forms.get(name), ...forms });
  }

  setPlain(name: string, value: ExactValue): void {
    this.setForms(name, { plain: () => value });
    this.#made.set(name, { ...this.#made.get(name), plain: value });
  }

  setQuantised(name: string, value: QuantisedValue): void {
    this.setForms(name, { quantised: () => value });
    this.#made.set(name, { ...this.#made.get(name), quantised: value });
  }

  /**
   * Leaves a value uncomputed until somebody wants it as it is.
   * @param make sets its plain form
   */
  defer(name: string, step: Affine, make: () => void): void {
    this.#steps.set(name, step);
    this.setForms(name, {
      plain: () => {
        make();
        return this.#made.get(name)?.plain as ExactValue;
      },
    });
  }

  /** A value by what is computed of it so far: by itself unless it was deferred. */
  affine(name: string): Affine {
    let affine: Affine = { source: name, factor: 1, offset: 0 };
    for (;;) {
      const { source, factor, offset } = affine;
      const step = this.#made.get(source)?.plain ? undefined : this.#steps.get(source);
      if (!step) return affine;
      affine = { source: step.source, factor: factor * step.factor, offset: factor * step.offset + offset };
    }
  }

  /** What is at hand of a value without rounding. */
  known(name: string): Known {
    const forms = this.#forms.get(name);
    const made = this.#made.get(name);
    const quantised = made?.quantised || forms?.quantised ? () => this.quantised(name) : undefined;
    return { plain: made?.plain, quantised };
  }

  /** Where elements of an input that were NaN have come to, if they can have come here. */
  missing(name: string): (() => ExactValue) | undefined {
    const make = this.#forms.get(name)?.missing;
    return make && (() => this.once(`missing ${name}`, make));
  }

  /** The exact graph is told by an input of its own, the program reads the floats' bits. */
  #missingInput(name: string, index: number): ExactValue {
    const dims = this.dims(name);
    this.exact.input(missingName(name), "u8", dims);
    const kernel = new Elementwise(this, `${name}: missing`, dims);
    const bits = wholeView("input", index, "i32", dims);
    return kernel.store(kernel.isNaNBits(bits, missingName(name)), `${name}: missing`);
  }

  /** Whether the value can be had in its own type without going through u8. */
  hasPlain(name: string): boolean {
    return this.#forms.get(name)?.plain !== undefined;
  }

  /** The quantisation that all readers of the value want, in a model that arrives quantised. */
  preferred(name: string): Quantisation | undefined {
    return this.#preferred.get(name);
  }

  /** The quantisation a value has in a model that arrives quantised. */
  prefer(name: string, quantisation: Quantisation): void {
    if (!this.#preferred.has(name)) this.#preferred.set(name, quantisation);
  }

  /** The quantisation for a value: the model's own, or what calibration suggests. */
  quantisationOf(name: string): Quantisation {
    return this.#preferred.get(name) ?? quantiseActivation(this.statistics(name), `"${name}"`);
  }

  /**
   * The u8 form of a float value, made by QuantizeLinear if there is no other way.
   * @param layout of a newly made tensor
   */
  quantised(name: string, layout: Layout = "as-first"): QuantisedValue {
    const made = this.#made.get(name)?.quantised;
    if (made) return made;
    const make = this.#forms.get(name)?.quantised;
    const value = make ? make() : this.requantised(name, this.quantisationOf(name), layout);
    this.setQuantised(name, value);
    return value;
  }

  /** The float value under a given quantisation, rounded anew from its f32 form. */
  requantised(name: string, quantisation: Quantisation, layout: Layout = "as-first"): QuantisedValue {
    const kernel = new Elementwise(this, `${name}: quantise`, this.dims(name));
    const { source, factor, offset } = this.affine(name);
    const plain = kernel.load(this.plain(source));
    const shifted = offset === 0 ? plain : kernel.add(plain, kernel.float(offset / factor));
    const scaled = { ...quantisation, scale: Math.fround(quantisation.scale / factor) };
    const value = kernel.store(kernel.quantise(shifted, scaled), `${name}: quantise`, layout);
    return { ...value, quantisation };
  }

  /** A value in its own element type; a float value that exists only as u8 is dequantised. */
  plain(name: string): ExactValue {
    const made = this.#made.get(name)?.plain;
    if (made) return made;
    const constant = this.constant(name);
    if (constant) return this.constantValue(name, constant);
    const forms = this.#forms.get(name);
    if (!forms)
      throw new FatalError("COMPILE_INTERNAL", `The value "${name}" is used before it is computed.`);
    const value = forms.plain ? forms.plain() : this.#dequantise(name);
    this.setPlain(name, value);
    return value;
  }

  #dequantise(name: string): ExactValue {
    const kernel = new Elementwise(this, `${name}: dequantise`, this.dims(name));
    return kernel.store(kernel.dequantised(this.quantised(name)), `${name}: dequantise`, "row-major");
  }

  /** The exact graph's DequantizeLinear of a u8 value; made once. */
  dequantisedTensor({ tensor, quantisation }: QuantisedValue): string {
    const key = `${tensor} ${quantisation.scale} ${quantisation.zero}`;
    const known = this.#dequantised.get(key);
    if (known !== undefined) return known;
    const inputs = [tensor, this.scalar("f32", quantisation.scale), this.scalar("u8", quantisation.zero)];
    const made = this.emit("DequantizeLinear", inputs, {}, `${tensor}_real`);
    this.#dequantised.set(key, made);
    return made;
  }

  /** A row-major copy of a value, for where strides cannot express what is needed. The exact graph needs none. */
  copy<Value extends ExactValue>(name: string, value: Value): Value {
    const expression = new Expression();
    expression.load(0);
    const { tensor, view } = value;
    const copied = mapInstruction(
      this.program,
      `${name}: copy`,
      tensor,
      view.dtype,
      [view],
      expression,
      "row-major",
    );
    return { ...value, view: copied };
  }

  /** A constant as a row-major weight tensor. */
  constantView(name: string, tensor: HostTensor): View {
    const dtype = DTYPE_OF[tensor.type as ProgramType];
    const index = this.program.addWeight(name, dtype, tensor.data);
    return wholeView("weight", index, dtype, tensor.dims);
  }

  /** A constant as a value. */
  constantValue(name: string, constant: HostTensor): ExactValue {
    if (!isProgramType(constant.type))
      throw new FatalError(
        "MODEL_UNSUPPORTED",
        `The constant "${name}" is ${constant.type}, which is not in the exact profile.`,
      );
    if (constant.type === "f32" && (constant.data as Float32Array).some(Number.isNaN))
      throw new FatalError("COMPILE_WEIGHTS", `The constant "${name}" holds NaN.`);
    const { type, dims } = constant;
    return {
      tensor: this.initializer(`${name}_constant`, constant),
      dims,
      view: this.constantView(name, constant),
      type,
    };
  }

  /** Something to read for an instruction that reads nothing: a single zero byte. */
  zeroView(): View {
    return this.constantView("zero", { type: "u8", dims: [], data: Uint8Array.of(0) as TensorData });
  }

  /** Makes a value an output of the model under its own name: row-major, computed by an instruction. */
  finishOutput(name: string): { instruction: number; dims: readonly number[]; type: ProgramType } {
    let value = this.plain(name);
    if (value.view.space !== "trace" || !isRowMajor(value.view)) value = this.copy(name, value);
    if (value.tensor !== name) this.exact.node("Identity", [value.tensor], [name]);
    this.exact.output(name, value.type, value.dims);
    return { instruction: value.view.index, dims: value.dims, type: value.type };
  }

  unsupported(node: GraphNode, reason: string): FatalError {
    return new FatalError(
      "MODEL_UNSUPPORTED",
      `${describeNode(node)} does not fit the exact profile: ${reason}.`,
    );
  }
}
