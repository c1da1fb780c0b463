import { Command, CommanderError } from "commander";
import { addModelCommands } from "./commands/model.ts";
import { addSimulateCommand } from "./commands/simulate.ts";
import { EXIT, exitCodeOf, printError } from "./output.ts";

const program = new Command("surety")
  .description("Surety: model outputs that a chain can check")
  .showHelpAfterError("(add --help for usage)")
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });

addModelCommands(program);
addSimulateCommand(program);

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
