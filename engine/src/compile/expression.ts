import type { Opcode, Operation } from "../program/instruction.ts";

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of a binary32 number as an int32. */
export function floatBits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getInt32(0);
}

/** Builds the expression of an instruction; every method returns the new value's number. */
export class Expression {
  readonly operations: Operation[] = [];

  #push(code: Opcode, a = 0, b = 0, imm = 0): number {
    this.operations.push({ code, a, b, imm });
    return this.operations.length - 1;
  }

  acc(): number {
    return this.#push("acc");
  }

  /** Reads an operand. */
  load(operand: number): number {
    return this.#push("load", operand);
  }

  int(value: number): number {
    return this.#push("int", 0, 0, value);
  }

  float(value: number): number {
    return this.#push("float", 0, 0, floatBits(value));
  }

  /** Value `a` where `condition` is not 0, else value `b`. */
  select(condition: number, a: number, b: number): number {
    return this.#push("select", condition, a, b);
  }

  /** An operation on earlier values (for `inside` and `loadat`, `a` is an operand). */
  apply(code: Opcode, a: number, b = 0): number {
    return this.#push(code, a, b);
  }

  /** DequantizeLinear: f32(f32(q - zero) * scale). */
  dequantise(q: number, quantisation: { readonly scale: number; readonly zero: number }): number {
    const centred = quantisation.zero === 0 ? q : this.apply("isub", q, this.int(quantisation.zero));
    return this.apply("fmul", this.apply("tofloat", centred), this.float(quantisation.scale));
  }

  /** QuantizeLinear to u8: a true division by the scale. */
  quantise(x: number, quantisation: { readonly scale: number; readonly zero: number }): number {
    const scaled = this.apply("fdiv", x, this.float(quantisation.scale));
    return this.apply("quantise_u8", scaled, this.int(quantisation.zero));
  }

  /** The end of QLinearConv: quantise(f32(f32(value) * scale)). */
  requantise(value: number, scale: number, zero: number): number {
    const scaled = this.apply("fmul", this.apply("tofloat", value), scale);
    return this.apply("quantise_u8", scaled, this.int(zero));
  }
}
