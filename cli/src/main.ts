import { Command, CommanderError } from "commander";
import { addDevnetCommands } from "./commands/devnet.ts";
import { addDisputeCommands } from "./commands/dispute.ts";
import { addKeysCommands } from "./commands/keys.ts";
import { addModelCommands } from "./commands/model.ts";
import { addRequestCommand } from "./commands/request.ts";
import { addServiceCommands } from "./commands/services.ts";
import { addSimulateCommand } from "./commands/simulate.ts";
import { EXIT, exitCodeOf, printError } from "./output.ts";

const program = new Command("surety")
  .description("Surety: model outputs that a chain can check")
  .showHelpAfterError("(add --help for usage)")
  .exitOverride()
  // Options after a subcommand's name are the subcommand's.
  .enablePositionalOptions()
  .configureHelp({ showGlobalOptions: true });

// A reader that has seen enough, as in `surety ... | head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.success);
});

addModelCommands(program);
addSimulateCommand(program);
addDisputeCommands(program);
addRequestCommand(program);
addDevnetCommands(program);
addKeysCommands(program);
addServiceCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message; only asking for help or the version is no mistake.
    process.exitCode = error.exitCode === 0 ? EXIT.success : EXIT.usage;
  } else {
    printError(error, process.argv.includes("--json"));
    process.exitCode = exitCodeOf(error);
  }
}
