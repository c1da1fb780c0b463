import type { Finding, Program } from "@surety/service";
import type { Command } from "commander";
import { EXIT, print, toJson } from "../output.ts";
import { addDrainCommand } from "./drain.ts";

// What runs until it is told to stop; it reads its options itself: the same from flags, `SURETY_*` and a file.

export function addNodeCommands(program: Command): void {
  const node = program.command("node").description("run a staked node");
  passing(node.command("start"))
    .description("follow the chain, answer requests, defend the answers")
    .action(async (args: string[]) => {
      const { runOracleNode } = await import("@surety/oracle-node");
      await runOracleNode(args);
    });
  addDoctor(node, "node", async () => {
    const { doctor, NODE_PROGRAM } = await import("@surety/oracle-node");
    return { doctor, program: NODE_PROGRAM };
  });
  addDrainCommand(node);
}

export function addWorkerCommand(program: Command): void {
  passing(program.command("worker"))
    .description("take a node's inference jobs from the queue they share: more machines, more answers")
    .action(async (args: string[]) => {
      const { runWorker } = await import("@surety/oracle-node");
      await runWorker(args);
    });
}

export function addChallengerCommands(program: Command): void {
  const challenger = program.command("challenger").description("run a challenger");
  passing(challenger.command("start"))
    .description("check every answer, dispute what is wrong")
    .action(async (args: string[]) => {
      const { runChallenger } = await import("@surety/challenger");
      await runChallenger(args);
    });
  addDoctor(challenger, "challenger", async () => {
    const { doctor, CHALLENGER_PROGRAM } = await import("@surety/challenger");
    return { doctor, program: CHALLENGER_PROGRAM };
  });
}

/** `doctor` of a service: its options are those of its `start`. */
function addDoctor<Options extends object>(
  service: Command,
  name: string,
  load: () => Promise<{ program: Program<Options>; doctor: (options: Options) => Promise<Finding[]> }>,
): void {
  passing(service.command("doctor"))
    .description(
      `look at everything a ${name} needs, with the options of start, and say what to mend (--json: as JSON)`,
    )
    .action(async (args: string[]) => {
      const [{ doctor, program }, { describeFindings, isFit, isText }] = await Promise.all([
        load(),
        import("@surety/service"),
      ]);
      const given = args.filter((arg) => arg !== "--json");
      const options = program.readOptions(given, process.env);
      if (isText(options)) return print(options.text);
      const findings = await doctor(options);
      print(args.includes("--json") ? toJson(findings) : describeFindings(findings));
      process.exitCode = isFit(findings) ? EXIT.success : EXIT.negative;
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
