import { type Chain, isDevnet, openChain, type SuretyAddresses } from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { readDeployment } from "@surety/service";
import { keySourceOf, loadAccount, terminalPassword } from "@surety/service/keys";
import type { Command } from "commander";
import type { LocalAccount } from "viem";
import { DEVNET_DIR, type DevnetFile, readDevnetFile } from "../devnet/devnet-file.ts";
import { ROLES, type Role } from "../devnet/roles.ts";

/** Which network a command works on. */
export interface ConnectionOptions {
  readonly rpcUrl?: string;
  readonly deployment?: string;
  readonly dir: string;
}

/** Whose transactions a command sends. */
export interface SenderOptions {
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly keyFile?: string;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option("--rpc-url <url>", "JSON-RPC endpoint (default: the devnet's)")
    .option("--deployment <file>", "the contracts' addresses (default: the devnet's)")
    .option("--dir <dir>", "the devnet's folder", DEVNET_DIR);
}

export function addSenderOptions(command: Command): Command {
  return command
    .option("--keystore <file>", "encrypted key of the account that sends and pays (surety keys)")
    .option("--password-file <file>", "its first line opens the keystore (default: asked for)")
    .option(
      "--key-file <file>",
      "plaintext key, on a development chain; without any key SURETY_PRIVATE_KEY, or a devnet's own account",
    );
}

export interface Connection {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  /** The devnet, where one had to be asked. */
  readonly devnet: DevnetFile | undefined;
}

/**
 * The network that the options name, or the devnet of the folder.
 *
 * @param enough whether the options say all that the command wants to know of a devnet
 * @throws FatalError NO_DEVNET; those of openChain and readDeployment
 */
export async function connect(options: ConnectionOptions, enough = true): Promise<Connection> {
  const { rpcUrl, deployment, dir } = options;
  const devnet = rpcUrl && deployment && enough ? undefined : readDevnetFile(dir);
  return {
    chain: await openChain({ rpcUrl: rpcUrl ?? (devnet?.rpcUrl as string) }),
    addresses: deployment ? readDeployment(deployment).addresses : (devnet?.addresses as SuretyAddresses),
    devnet,
  };
}

/** The named account, or on a development chain the one that the devnet has for a role. */
export async function senderOf(chain: Chain, options: SenderOptions, role: Role): Promise<LocalAccount> {
  const { keystore, passwordFile, keyFile } = options;
  const privateKey = process.env.SURETY_PRIVATE_KEY;
  if ([keystore, keyFile, privateKey].every((given) => given === undefined) && isDevnet(chain.chainId))
    return devAccount(ROLES[role]);
  const source = keySourceOf({ keystore, passwordFile, keyFile, privateKey });
  return loadAccount(source, chain.chainId, terminalPassword());
}
