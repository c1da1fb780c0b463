import { loadBundle } from "@surety/engine";
import { parseModelId } from "@surety/protocol";
import { DEFAULT_BUNDLES, fetchModel, parseModelSource } from "@surety/service";
import type { Command } from "commander";
import { print, toJson } from "../output.ts";
import { wholeNumber } from "./numbers.ts";

const MB = 2 ** 20;

interface FetchOptions {
  readonly from: readonly string[];
  readonly ipfsGateway?: string;
  readonly out: string;
  readonly mostMb: number;
  readonly storeMb: number;
  readonly json?: true;
}

/** `surety model fetch`. */
export function addFetchCommand(model: Command): void {
  model
    .command("fetch")
    .description(
      "get a model's bundle by its id from nodes, folders or IPFS; it is used only if every byte is right",
    )
    .argument("<model-id>", "0x and 64 hexadecimal digits")
    .requiredOption(
      "--from <source...>",
      "another node's http(s)://..., ipfs://CID, or a folder; the first that has it",
    )
    .option("--ipfs-gateway <url>", "that serves /ipfs/CID, for ipfs:// sources")
    .option("--out <dir>", "directory of bundles that it goes into", DEFAULT_BUNDLES)
    .option("--most-mb <n>", "refuse a model of more MB", wholeNumber, 1_024)
    .option("--store-mb <n>", "most MB in the directory of bundles", wholeNumber, 16_384)
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExample:\n  surety model fetch 0x2b9f...d3f5 --from https://node.example ipfs://bafy... --ipfs-gateway https://ipfs.io",
    )
    .action(async (id: string, options: FetchOptions) => {
      const dir = await fetchModel({
        modelId: parseModelId(id),
        store: options.out,
        sources: options.from.map((text) => parseModelSource(text, options.ipfsGateway)),
        limits: { modelBytes: options.mostMb * MB, storeBytes: options.storeMb * MB },
        onMiss: (source, why) => options.json || print(`not from ${source}: ${why}`),
      });
      const { modelId, instructions } = loadBundle(dir);
      if (options.json) return print(toJson({ modelId, bundle: dir, instructions: instructions.length }));
      print(`model id      ${modelId}`);
      print(`bundle        ${dir}`);
      print("Every hash is right, and graph and program agree on this machine.");
    });
}
