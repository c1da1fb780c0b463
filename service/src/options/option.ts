import { parseModelId } from "@surety/protocol";
import { z } from "zod";

/** One thing that a program can be told: by a flag, by the environment, or in a file, all of the same name. */
export interface Option<Schema extends z.ZodType = z.ZodType> {
  /** Reads what a flag or variable (text) or a file (text, number, boolean, list) says. */
  readonly schema: Schema;
  /** For people. */
  readonly help: string;
  /** Stands for the value in the help text, as `URL`. A switch has none: it takes no value. */
  readonly value?: string;
  /** May be given several times; in the environment comma-separated. */
  readonly repeats?: boolean;
  /** What is never shown: all of it, or of a URL everything but scheme and host. */
  readonly secret?: "all" | "url";
  /** Only in the environment: a secret that must not stand on a command line. */
  readonly environmentOnly?: boolean;
}

/** By name, as in `poll-ms`: `--poll-ms`, `SURETY_POLL_MS`, `poll-ms = 500`. */
export type OptionTable = Readonly<Record<string, Option>>;

/** A list, or text with commas. */
const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (raw) => (typeof raw === "string" ? raw.split(",").filter((part) => part !== "") : raw),
    z.array(item).min(1),
  );

const httpUrl = z.string().refine((text) => URL.canParse(text) && /^https?:/.test(text));

/** Schemas of options. The description ends the sentence "... is not". */
export const take = {
  text: z.string().min(1).describe("a text"),
  wholeNumber: z
    .union([
      z.number().int().nonnegative(),
      z
        .string()
        .regex(/^\d{1,15}$/)
        .transform(Number),
    ])
    .describe("a whole number"),
  count: z
    .union([
      z.number().int().positive(),
      z
        .string()
        .regex(/^[1-9]\d{0,14}$/)
        .transform(Number),
    ])
    .describe("a whole number from 1"),
  share: z
    .union([
      z.number().min(0).max(1),
      z
        .string()
        .regex(/^(0|1|0?\.\d+|1\.0+)$/)
        .transform(Number),
    ])
    .describe("a number from 0 to 1"),
  toggle: z
    .union([z.boolean(), z.enum(["1", "true", "0", "false"]).transform((text) => /1|true/.test(text))])
    .describe("true or false"),
  url: httpUrl.describe("an http:// or https:// URL"),
  urls: list(httpUrl).describe("a list of http:// or https:// URLs"),
  texts: list(z.string().min(1)).describe("a list of texts"),
  modelIds: list(
    z
      .string()
      .regex(/^0x[0-9a-f]{64}$/)
      .transform(parseModelId),
  ).describe("a list of model ids: 0x and 64 hexadecimal digits each"),
  address: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .transform((text) => text as `0x${string}`)
    .describe("an address"),
  hashes: list(z.string().regex(/^0x[0-9a-fA-F]{64}$/)).describe("a list of 32-byte hashes"),
  addressesOrAll: z
    .union([
      z.literal("all").transform(() => "all" as const),
      z.tuple([z.literal("all")]).transform(() => "all" as const),
      list(
        z
          .string()
          .regex(/^0x[0-9a-fA-F]{40}$/)
          .transform((text) => text as `0x${string}`),
      ),
    ])
    .describe("all, or a list of addresses"),
  oneOf: <const Items extends readonly string[]>(items: Items) =>
    z.enum(items).describe(`one of ${items.join(", ")}`),
  listOf: <const Items extends readonly string[]>(items: Items) =>
    list(z.enum(items)).describe(`a list of ${items.join(", ")}`),
};
