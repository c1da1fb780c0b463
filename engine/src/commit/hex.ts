import { FatalError } from "@surety/protocol";

export type Hex = `0x${string}`;

/** 0x and two lower-case digits a byte. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

/** @throws FatalError HEX_MALFORMED */
export function fromHex(hex: string): Uint8Array {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(hex)) {
    throw new FatalError(
      "HEX_MALFORMED",
      `${JSON.stringify(hex.slice(0, 80))} is not 0x and pairs of hexadecimal digits.`,
    );
  }
  return new Uint8Array(Buffer.from(hex.slice(2), "hex"));
}
