import { encodeAbiParameters, keccak256 } from "viem";
import { type Hash32, type ModelId, parseModelId } from "./ids.ts";

/** One output of a model: the tensor of one instruction. */
export interface ModelOutput {
  readonly instruction: number;
  readonly bytes: number;
}

/** All the chain needs to know of a model; the Solidity struct of the same name is in contracts/src/types/SuretyTypes.sol. */
export interface ModelHeader {
  /** Version of docs/exact-profile.md. */
  readonly profileVersion: number;
  readonly programRoot: Hash32;
  readonly weightsRoot: Hash32;
  /** keccak256 of the onnxruntime graph nodes run. */
  readonly graphHash: Hash32;
  /** keccak256 of the canonical JSON of input and output names, dtypes and shapes. */
  readonly schemaHash: Hash32;
  readonly instructionCount: number;
  readonly weightCount: number;
  /** Bytes of each input, in the model's order. */
  readonly inputBytes: readonly number[];
  readonly outputs: readonly ModelOutput[];
}

const MODEL_HEADER = [
  {
    type: "tuple",
    components: [
      { name: "profileVersion", type: "uint16" },
      { name: "programRoot", type: "bytes32" },
      { name: "weightsRoot", type: "bytes32" },
      { name: "graphHash", type: "bytes32" },
      { name: "schemaHash", type: "bytes32" },
      { name: "instructionCount", type: "uint32" },
      { name: "weightCount", type: "uint32" },
      { name: "inputBytes", type: "uint32[]" },
      {
        name: "outputs",
        type: "tuple[]",
        components: [
          { name: "instruction", type: "uint32" },
          { name: "bytes_", type: "uint32" },
        ],
      },
    ],
  },
] as const;

/** `abi.encode(header)` as Solidity has it. */
export function encodeModelHeader(header: ModelHeader): `0x${string}` {
  const outputs = header.outputs.map(({ instruction, bytes }) => ({ instruction, bytes_: bytes }));
  return encodeAbiParameters(MODEL_HEADER, [{ ...header, outputs }]);
}

/** keccak256(abi.encode(header)): the model's id. */
export function modelIdOf(header: ModelHeader): ModelId {
  return parseModelId(keccak256(encodeModelHeader(header)));
}
