import {
  beginUnbonding,
  type ContractCall,
  createTransactionManager,
  depositStake,
  feeCreditWei,
  gameCreditWei,
  joinModel,
  leaveModel,
  operatorOf,
  operatorParameters,
  serves,
  servingCount,
  withdrawFees,
  withdrawStake,
  withdrawWinnings,
} from "@surety/chain";
import { FatalError, type ModelId, parseModelId } from "@surety/protocol";
import type { Command } from "commander";
import { type Address, formatEther } from "viem";
import { print, toJson } from "../output.ts";
import {
  addConnectionOptions,
  addSenderOptions,
  type Connection,
  type ConnectionOptions,
  connect,
  type SenderOptions,
  senderOf,
} from "./connection.ts";
import { addressOf, ether } from "./numbers.ts";

interface StakeOptions extends ConnectionOptions, SenderOptions {
  readonly json?: true;
}

/** Without a key, on a devnet: an account of its that is not in use. */
const DEVNET_ROLE = "node G";

/** `surety stake`: what an operator has with the registry, and its rewards. */
export function addStakeCommands(program: Command): void {
  const stake = program.command("stake").description("an operator's stake, models and rewards");

  ending(stake.command("show"))
    .description("stake, locks, unbonding, models and rewards of an operator")
    .argument("[operator]", "its address (default: that of the key)")
    .option(
      "--model <model>",
      "a model to look for it in, by id or bundle folder; may be given again (default: the devnet's)",
      collect,
    )
    .addHelpText("after", "\nExample:\n  surety stake show 0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
    .action(show);

  ending(stake.command("deposit"))
    .description("deposit stake; also opens or fills an operator's account")
    .argument("<ether>", "how much, in ether", ether)
    .addHelpText("after", "\nExample:\n  surety stake deposit 1.5 --keystore operator.json")
    .action(async (amountWei: bigint, options: StakeOptions) => {
      await act(options, ({ addresses }) => ({
        call: depositStake(addresses, amountWei),
        done: `deposited ${formatEther(amountWei)} ETH`,
      }));
    });

  const withdraw = stake
    .command("withdraw")
    .description("take stake back: request it, wait for the unbonding time, complete it");
  ending(withdraw.command("request"))
    .description("take stake out of service; it can be had after the unbonding time")
    .argument("<ether>", "how much, in ether: what open answers hold stays", ether)
    .addHelpText("after", "\nExample:\n  surety stake withdraw request 0.5 --keystore operator.json")
    .action(async (amountWei: bigint, options: StakeOptions) => {
      await act(options, async ({ chain, addresses }) => {
        const { unbondingSeconds } = await operatorParameters(chain, addresses);
        return {
          call: beginUnbonding(addresses, amountWei),
          done: `${formatEther(amountWei)} ETH unbonds for ${unbondingSeconds} s, then: surety stake withdraw complete`,
        };
      });
    });
  ending(withdraw.command("complete"))
    .description("take what has unbonded")
    .addHelpText("after", "\nExample:\n  surety stake withdraw complete --keystore operator.json")
    .action(async (options: StakeOptions) => {
      await act(options, async ({ chain, addresses }, operator) => {
        const { unbondingWei, unbondsAt } = await operatorOf(chain, addresses, operator);
        const { timestamp } = await chain.client.getBlock();
        const left = unbondsAt - Number(timestamp);
        if (unbondingWei > 0n && left > 0) {
          throw new FatalError(
            "STILL_UNBONDING",
            `${formatEther(unbondingWei)} ETH unbonds for another ${left} s. Wait, then run this again.`,
          );
        }
        return { call: withdrawStake(addresses), done: `withdrew ${formatEther(unbondingWei)} ETH` };
      });
    });

  ending(stake.command("join"))
    .description("serve a model: requests for it are assigned to this operator from the next block on")
    .argument("<model>", "its id, or its bundle's folder")
    .addHelpText("after", "\nExample:\n  surety stake join digits --keystore operator.json")
    .action(async (model: string, options: StakeOptions) => {
      const modelId = await modelIdOf(model);
      await act(options, ({ addresses }) => ({
        call: joinModel(addresses, modelId),
        done: `in the set of ${modelId}`,
      }));
    });
  ending(stake.command("leave"))
    .description("serve a model no longer; open answers go on to their end")
    .argument("<model>", "its id, or its bundle's folder")
    .addHelpText("after", "\nExample:\n  surety stake leave digits --keystore operator.json")
    .action(async (model: string, options: StakeOptions) => {
      const modelId = await modelIdOf(model);
      await act(options, ({ addresses }) => ({
        call: leaveModel(addresses, modelId),
        done: `out of the set of ${modelId}`,
      }));
    });

  ending(stake.command("rewards"))
    .description(
      "take what the oracle (fees, refunds) and the dispute game (bonds, winnings) owe this account",
    )
    .addHelpText("after", "\nExample:\n  surety stake rewards --keystore operator.json")
    .action(rewards);
}

function ending(command: Command): Command {
  return addSenderOptions(addConnectionOptions(command)).option("--json", "print one JSON object");
}

/** Sends one transaction and says what it did. */
async function act(
  options: StakeOptions,
  plan: (
    connection: Connection,
    operator: Address,
  ) => { call: ContractCall; done: string } | Promise<{ call: ContractCall; done: string }>,
): Promise<void> {
  const connection = await connect(options);
  const account = await senderOf(connection.chain, options, DEVNET_ROLE);
  const { call, done } = await plan(connection, account.address);
  const sender = createTransactionManager({ chain: connection.chain, account });
  const { transactionHash, gasUsed } = await sender.send(call);
  if (options.json)
    return print(toJson({ operator: account.address, transaction: transactionHash, gas: gasUsed }));
  print(`${account.address} ${done} (${gasUsed.toLocaleString("en")} gas, ${transactionHash})`);
}

async function rewards(options: StakeOptions): Promise<void> {
  const { chain, addresses } = await connect(options);
  const account = await senderOf(chain, options, DEVNET_ROLE);
  const [feesWei, winningsWei] = await Promise.all([
    feeCreditWei(chain, addresses, account.address),
    gameCreditWei(chain, addresses, account.address),
  ]);
  const sender = createTransactionManager({ chain, account });
  if (feesWei > 0n) await sender.send(withdrawFees(addresses));
  if (winningsWei > 0n) await sender.send(withdrawWinnings(addresses));
  if (options.json) return print(toJson({ operator: account.address, feesWei, winningsWei }));
  if (feesWei + winningsWei === 0n) return print(`nothing is owed to ${account.address}`);
  print(
    `${account.address} took ${formatEther(feesWei)} ETH from the oracle and ${formatEther(winningsWei)} ETH from the dispute game`,
  );
}

async function show(
  given: string | undefined,
  options: StakeOptions & { readonly model?: readonly string[] },
): Promise<void> {
  const { chain, addresses, devnet } = await connect(options);
  const operator = given ? addressOf(given) : (await senderOf(chain, options, DEVNET_ROLE)).address;
  const named = await Promise.all((options.model ?? []).map(modelIdOf));
  const modelIds = named.length === 0 && devnet ? [devnet.modelId] : named;
  const [state, parameters, feesWei, winningsWei, models] = await Promise.all([
    operatorOf(chain, addresses, operator),
    operatorParameters(chain, addresses),
    feeCreditWei(chain, addresses, operator),
    gameCreditWei(chain, addresses, operator),
    Promise.all(
      modelIds.map(async (modelId) => ({
        modelId,
        serves: await serves(chain, addresses, operator, modelId),
        operators: Number(await servingCount(chain, addresses, modelId)),
      })),
    ),
  ]);
  const { minStakeWei, assertionBondWei } = parameters;
  if (options.json)
    return print(toJson({ operator, ...state, minStakeWei, assertionBondWei, feesWei, winningsWei, models }));
  const line = (name: string, text: string) => print(`${name.padEnd(11)}${text}`);
  line("operator", state.jailed ? `${operator}, jailed: it was slashed and can serve no longer` : operator);
  line("stake", `${formatEther(state.stakeWei)} ETH, at least ${formatEther(minStakeWei)} to serve`);
  line(
    "locked",
    `${formatEther(state.lockedWei)} ETH by open answers, ${formatEther(assertionBondWei)} each`,
  );
  const when = state.unbondingWei > 0n ? `, until ${new Date(state.unbondsAt * 1_000).toISOString()}` : "";
  line("unbonding", `${formatEther(state.unbondingWei)} ETH${when}`);
  line("rewards", `${formatEther(feesWei)} ETH of fees, ${formatEther(winningsWei)} ETH of disputes`);
  for (const { modelId, serves: isIn, operators } of models)
    line("model", `${modelId}: ${isIn ? "serves" : "does not serve"}, ${operators} operators in its set`);
}

/** A model by its id or by its bundle. */
async function modelIdOf(text: string): Promise<ModelId> {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return parseModelId(text);
  // Loaded here: it brings onnxruntime, which an id does not need.
  const { loadBundle } = await import("@surety/engine");
  return loadBundle(text).modelId;
}

const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];
