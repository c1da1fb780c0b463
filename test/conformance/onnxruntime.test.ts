import { bytesToHex } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fuzzCount, fuzzSeed, type Random, randomFrom } from "../../contracts/test/support/random.ts";
import { checkInstruction } from "../../engine/src/program/check.ts";
import { encodeInstruction } from "../../engine/src/program/encode.ts";
import { outputElements, reduceElements } from "../../engine/src/program/tensor-size.ts";
import { checkIndexMaps } from "../../engine/src/program/validate.ts";
import { readStoredBits } from "../../engine/src/referee/element-reader.ts";
import { createSession, runSession } from "../../engine/src/run/onnxruntime.ts";
import {
  arithmetic,
  bytesOf,
  castOfInts,
  castToFloat,
  castToInt,
  clip,
  convolution,
  dequantizeLinear,
  floatChoice,
  floatExtremum,
  floatFunction,
  gather,
  integerArithmetic,
  matrixProduct,
  maxPool,
  type OperatorCase,
  quantizeLinear,
  reduceSum,
  reduction,
  residualAdd,
} from "./support/operators/index.ts";
import { type Answer, SolidityReferee, typescriptAnswer } from "./support/solidity.ts";

/** Elements of a case that the chain computes as well. */
const ON_CHAIN = 24;

let referee: SolidityReferee;
beforeAll(async () => {
  referee = await SolidityReferee.start();
});
afterAll(() => referee.stop());

/** Stored bits with every NaN made the profile's one: a bundle's graph makes none, a processor's NaN may have any sign. */
function canonical(bits: bigint, isFloat: boolean): bigint {
  return isFloat && (bits & 0x7fffffffn) > 0x7f800000n ? 0x7fc00000n : bits;
}

async function check(one: OperatorCase, random: Random): Promise<void> {
  const { instruction, tensors } = one;
  checkInstruction(instruction, 0);
  checkIndexMaps(instruction, 0);
  const session = await createSession(one.model);
  const { y } = await runSession(session, one.feeds);
  await session.release();
  if (y === undefined) throw new Error(`${one.what}: no output`);
  const count = outputElements(instruction);
  const place = one.place ?? ((element: number) => element);
  const fail = (who: string, element: number, answer: unknown, right: unknown) =>
    expect.fail(
      `seed ${random.seed}, ${one.what}: element ${element} is ${answer} in ${who}, ${right} in TypeScript: ${JSON.stringify(
        {
          instruction,
          tensors: tensors.map((bytes) => bytesToHex(bytes)),
        },
      )}`,
    );
  const answers: Answer[] = [];
  // All elements, unless that is more than the reference computes in reasonable time.
  const stride = Math.ceil((count * reduceElements(instruction)) / 40_000);
  for (let element = 0; element < count; element += random.int(1, 2 * stride - 1)) {
    const right = typescriptAnswer(instruction, place(element), tensors);
    answers[place(element)] = right;
    const bits = readStoredBits(bytesOf(y), instruction.outDtype, element);
    const fast = canonical(bits, instruction.outDtype === "f32");
    if (fast !== right) fail("onnxruntime", element, fast, right);
  }
  const known = [...answers.keys()].filter((element) => answers[element] !== undefined);
  const elements =
    known.length <= ON_CHAIN ? known : Array.from({ length: ON_CHAIN }, () => random.pick(known));
  const onChain = await referee.evaluate(encodeInstruction(instruction), 0, elements, tensors);
  for (const [i, element] of elements.entries()) {
    if (onChain.answers[i] !== answers[element])
      fail("Solidity", element, onChain.answers[i], answers[element]);
  }
}

describe("onnxruntime, TypeScript and Solidity give the same bytes", () => {
  const operators: readonly [name: string, count: number, make: (random: Random) => OperatorCase][] = [
    ["QuantizeLinear", 15, quantizeLinear],
    ["DequantizeLinear", 15, dequantizeLinear],
    ["a residual Add", 15, residualAdd],
    ["Add, Sub, Mul, Div, Max, Min of i32 and f32", 40, arithmetic],
    ["Cast to f32", 10, castToFloat],
    ["Clip", 10, clip],
    ["Sqrt, Floor, Ceil, Round, Abs", 25, floatFunction],
    ["Max and Min of f32, + 0.0", 10, floatExtremum],
    ["Where of Less and Equal", 10, floatChoice],
    ["Cast to i32, clipped", 10, castToInt],
    ["Gather", 10, gather],
    ["Add, Sub, Mul, Div, Mod, Max, Min, Less, Equal of i32 and i64", 60, integerArithmetic],
    ["Cast of i32 and i64", 15, castOfInts],
    ["ReduceSum", 10, reduceSum],
    ["ReduceSum of i64, ReduceMax and ReduceMin", 30, reduction],
    ["MaxPool", 20, maxPool],
    ["QLinearConv and ConvInteger", 50, convolution],
    ["QLinearMatMul and MatMulInteger", 40, matrixProduct],
    ["MatMulInteger beyond int32", 1, (random) => matrixProduct(random, true)],
  ];
  for (const [name, count, make] of operators) {
    it(name, async () => {
      const random = randomFrom(fuzzSeed());
      for (let run = 0; run < fuzzCount(count); run++) await check(make(random), random);
    });
  }
});
