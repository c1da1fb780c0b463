import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";

type AddCommands = (program: Command) => void;

/** Where each command comes from. Loaded one by one: an EVM or onnxruntime takes a second, which another command need not wait for. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommands>>> = {
  init: async () => (await import("./commands/init.ts")).addInitCommand,
  model: async () => (await import("./commands/model.ts")).addModelCommands,
  simulate: async () => (await import("./commands/simulate.ts")).addSimulateCommand,
  request: async () => (await import("./commands/request.ts")).addRequestCommand,
  dispute: async () => (await import("./commands/dispute.ts")).addDisputeCommands,
  devnet: async () => (await import("./commands/devnet.ts")).addDevnetCommands,
  keys: async () => (await import("./commands/keys.ts")).addKeysCommands,
  stake: async () => (await import("./commands/stake.ts")).addStakeCommands,
  node: async () => (await import("./commands/services.ts")).addNodeCommands,
  worker: async () => (await import("./commands/services.ts")).addWorkerCommand,
  challenger: async () => (await import("./commands/services.ts")).addChallengerCommands,
};

/** What a call needs loaded: the command that is run, or the one that a shell asks to have completed. */
export function commandOf([name, ...rest]: readonly string[]): string | undefined {
  if (name !== "complete" || rest[0] !== "--") return name;
  // A name that is not followed by anything is still being typed.
  return rest.length > 2 ? rest[1] : undefined;
}

/**
 * The `surety` command with its subcommands.
 *
 * @param only the one that is run, where it is known; the others are left out
 */
export async function createProgram(only?: string): Promise<Command> {
  const program = new Command("surety")
    .description("Surety: model outputs that a chain can check")
    .showHelpAfterError("(add --help for usage)")
    .exitOverride()
    // Options after a subcommand's name are the subcommand's.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true });
  const wanted = only !== undefined && only in COMMANDS ? [only] : Object.keys(COMMANDS);
  for (const name of wanted) (await (COMMANDS[name] as () => Promise<AddCommands>)())(program);
  tab(program, { completionCommandName: "completion" });
  program.commands
    .find((command) => command.name() === "completion")
    ?.description("print what makes a shell complete surety's commands and options")
    .addHelpText(
      "after",
      "\nExamples:\n  surety completion bash >> ~/.bashrc\n  surety completion zsh > ~/.zfunc/_surety\n  surety completion fish > ~/.config/fish/completions/surety.fish",
    );
  return program;
}
