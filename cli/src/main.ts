import { CommanderError } from "commander";
import { EXIT, exitCodeOf, printError } from "./output.ts";
import { commandOf, createProgram } from "./program.ts";

// A reader that has seen enough, as in `surety ... | head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.success);
});

try {
  const program = await createProgram(commandOf(process.argv.slice(2)));
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
