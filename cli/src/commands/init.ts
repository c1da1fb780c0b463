import type { Command } from "commander";
import { FRAMEWORKS, type Framework } from "../init/frameworks.ts";
import { initProject } from "../init/init-project.ts";
import { print, toJson } from "../output.ts";

export function addInitCommand(program: Command): void {
  program
    .command("init")
    .description("write a consumer project: a contract, its test, a script that asks on the devnet")
    .argument("<dir>", "folder, new or empty")
    .option("--foundry", "for Foundry (default: for Hardhat 3)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExample:\n  surety init my-consumer\n  cd my-consumer && npm install && npm test",
    )
    .action((dir: string, { foundry, json }: { foundry?: true; json?: true }) => {
      const framework: Framework = foundry ? "foundry" : "hardhat";
      const files = initProject({ dir, framework });
      if (json) return print(toJson({ dir, framework, files }));
      print(`${dir}, for ${FRAMEWORKS[framework].title}:`);
      for (const file of files) print(`  ${file}`);
      print("");
      print(`next        cd ${dir} && npm install && npm test`);
      print("then        npm run devnet, and in another terminal npm run ask");
    });
}
