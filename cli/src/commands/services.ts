import type { Command } from "commander";

/** What runs until it is told to stop; it reads its options itself: the same from flags, `SURETY_*` and a file. */
export function addServiceCommands(program: Command): void {
  const node = program.command("node").description("run a staked node");
  passing(node.command("start"))
    .description("follow the chain, answer requests, defend the answers")
    .action(async (args: string[]) => {
      const { runOracleNode } = await import("@surety/oracle-node");
      await runOracleNode(args);
    });

  const challenger = program.command("challenger").description("run a challenger");
  passing(challenger.command("start"))
    .description("check every answer, dispute what is wrong")
    .action(async (args: string[]) => {
      const { runChallenger } = await import("@surety/challenger");
      await runChallenger(args);
    });
}

/** Hands all of its arguments on, `--help` too. */
export function passing(command: Command): Command {
  return command
    .argument("[options...]")
    .allowUnknownOption()
    .helpOption(false)
    .passThroughOptions()
    .allowExcessArguments();
}
