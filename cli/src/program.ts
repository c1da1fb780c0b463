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
  return program;
}
