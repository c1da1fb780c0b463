import { FatalError } from "./errors.ts";

/** Ids are branded so that one cannot stand in for another; only the parsers of this file make them. */
declare const brand: unique symbol;
type Branded<Value, Name extends string> = Value & { readonly [brand]: Name };

/** 0x and 64 lower-case hexadecimal digits. */
export type Hash32 = Branded<`0x${string}`, "Hash32">;
/** Hash of program root, weights root, schema and profile version. */
export type ModelId = Branded<`0x${string}`, "ModelId">;
/** A request's number in the oracle contract. */
export type RequestId = Branded<bigint, "RequestId">;
/** An assertion's number in the oracle contract. */
export type AssertionId = Branded<bigint, "AssertionId">;
/** A dispute game's number in the game contract. */
export type GameId = Branded<bigint, "GameId">;

const HEX_32 = /^0x[0-9a-fA-F]{64}$/;

function parseHex32(value: string, what: string): `0x${string}` {
  if (!HEX_32.test(value)) {
    throw new FatalError(
      "ID_MALFORMED",
      `${what} ${JSON.stringify(value)} is not 0x and 64 hexadecimal digits.`,
    );
  }
  return value.toLowerCase() as `0x${string}`;
}

function parseNumber(value: bigint | number | string, what: string): bigint {
  const text = String(value);
  if (!/^\d{1,78}$/.test(text)) {
    throw new FatalError(
      "ID_MALFORMED",
      `${what} ${JSON.stringify(text)} is not a whole number of at least 0.`,
    );
  }
  return BigInt(text);
}

/** @throws FatalError ID_MALFORMED */
export function parseHash32(value: string): Hash32 {
  return parseHex32(value, "Hash") as Hash32;
}

/** @throws FatalError ID_MALFORMED */
export function parseModelId(value: string): ModelId {
  return parseHex32(value, "Model id") as ModelId;
}

/** @throws FatalError ID_MALFORMED */
export function parseRequestId(value: bigint | number | string): RequestId {
  return parseNumber(value, "Request id") as RequestId;
}

/** @throws FatalError ID_MALFORMED */
export function parseAssertionId(value: bigint | number | string): AssertionId {
  return parseNumber(value, "Assertion id") as AssertionId;
}

/** @throws FatalError ID_MALFORMED */
export function parseGameId(value: bigint | number | string): GameId {
  return parseNumber(value, "Game id") as GameId;
}
