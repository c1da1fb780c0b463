import { UsageError } from "@surety/protocol";
import type { Command } from "commander";
import { EXIT, print, toJson } from "../output.ts";
import type { Tamper } from "../simulate/index.ts";

/** Reads `none`, `output` or `layer=I,element=J`. */
export function parseTamper(text: string): Tamper {
  if (text === "none" || text === "output") return text;
  const match = /^layer=(\d+),element=(\d+)$/.exec(text);
  if (match === null) {
    throw new UsageError(
      "TAMPER_INVALID",
      `--tamper ${JSON.stringify(text)} is none of: none, output, layer=I,element=J.`,
    );
  }
  return { layer: Number(match[1]), element: Number(match[2]) };
}

/** @param parent `surety` itself, or `surety dispute` */
export function addSimulateCommand(parent: Command): void {
  const name = parent.parent === null ? "surety" : `surety ${parent.name()}`;
  parent
    .command("simulate")
    .description("play one whole dispute on an in-process chain: a liar against the real challenger")
    .argument("<bundle>", "bundle directory")
    .requiredOption("--input <file>", "input file (.pb, .npy, .json, idx) or a directory of them")
    .requiredOption("--tamper <what>", "layer=I,element=J | output | none")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `\nExample:\n  ${name} simulate digits --input digit.pb --tamper layer=3,element=17`,
    )
    .action(async (bundleDir: string, options: { input: string; tamper: string; json?: true }) => {
      const tamper = parseTamper(options.tamper);
      // Loaded here: it brings an EVM, which the other commands need not wait for.
      const { simulateDispute, describeSimulation } = await import("../simulate/index.ts");
      const result = await simulateDispute({ bundleDir, input: options.input, tamper });
      print(options.json ? toJson(result) : describeSimulation(result));
      const expected = tamper === "none" ? "poster" : "challenger";
      process.exitCode = result.winner === expected ? EXIT.success : EXIT.negative;
    });
}
