import path from "node:path";
import { UsageError } from "@surety/protocol";
import {
  decryptKey,
  encryptKey,
  keystoreName,
  listKeystores,
  obtainPassword,
  parsePrivateKey,
  readKeyFile,
  readKeystore,
  terminalPassword,
  writeKeystore,
  writeSecretFile,
} from "@surety/service/keys";
import type { Command } from "commander";
import type { Hex } from "viem";
import { generatePrivateKey, privateKeyToAddress } from "viem/accounts";
import { print, toJson } from "../output.ts";

const DEFAULT_DIR = path.join(".surety", "keys");

interface NewKeystore {
  readonly dir: string;
  readonly out?: string;
  readonly passwordFile?: string;
  readonly json?: true;
}

/** `surety keys`: encrypted keys of services, in files of the kind that geth has. */
export function addKeysCommands(program: Command): void {
  const keys = program.command("keys").description("create, import, export and list encrypted keys");

  addNewKeystoreOptions(keys.command("create"))
    .description("make a new key and encrypt it")
    .addHelpText("after", "\nExample:\n  surety keys create --password-file password")
    .action(async (options: NewKeystore) => keep(generatePrivateKey(), options));

  addNewKeystoreOptions(keys.command("import"))
    .description("encrypt a key that exists: a file of 64 hexadecimal digits, or another keystore")
    .argument("<file>", "where the key is; a key itself is never an argument")
    .option("--from-password-file <file>", "opens the keystore that is imported")
    .addHelpText(
      "after",
      "\nExample:\n  surety keys import plain.key --password-file password && shred -u plain.key",
    )
    .action(async (file: string, options: NewKeystore & { fromPasswordFile?: string }) => {
      await keep(await readAnyKey(file, options.fromPasswordFile), options);
    });

  keys
    .command("export")
    .description("decrypt a key into a file for its owner alone: whoever reads it owns the account")
    .argument("<keystore>", "encrypted key")
    .requiredOption("--out <file>", "takes the plaintext key; must not exist")
    .option("--password-file <file>", "its first line is the password (default: asked for)")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  surety keys export .surety/keys/UTC--... --out plain.key")
    .action(async (keystore: string, options: { out: string; passwordFile?: string; json?: true }) => {
      const privateKey = await openKeystore(keystore, options.passwordFile);
      writeSecretFile(options.out, `${privateKey}\n`);
      const address = privateKeyToAddress(privateKey);
      print(options.json ? toJson({ address, path: options.out }) : `${address}  ${options.out}`);
    });

  keys
    .command("list")
    .description("the encrypted keys in a folder")
    .argument("[dir]", "folder", DEFAULT_DIR)
    .option("--json", "print one JSON array")
    .addHelpText("after", "\nExample:\n  surety keys list")
    .action((dir: string, options: { json?: true }) => {
      const listed = listKeystores(dir);
      if (options.json) print(toJson(listed));
      else if (listed.length === 0) print(`No keystore in ${dir}. Make one: surety keys create`);
      else for (const key of listed) print(`${key.address ?? "address not said"}  ${key.path}`);
    });
}

function addNewKeystoreOptions(command: Command): Command {
  return command
    .option("--dir <dir>", "folder of the keystore", DEFAULT_DIR)
    .option("--out <file>", "the keystore itself, instead of a name in the folder")
    .option("--password-file <file>", "its first line is the password (default: asked for)")
    .option("--json", "print one JSON object");
}

async function keep(privateKey: Hex, { dir, out, passwordFile, json }: NewKeystore): Promise<void> {
  const address = privateKeyToAddress(privateKey);
  const password = await newPassword(passwordFile, address);
  const keystore = await encryptKey(privateKey, password);
  const written = writeKeystore(out ?? path.join(dir, keystoreName(address)), keystore);
  print(json ? toJson({ address, path: written }) : `${address}  ${written}`);
}

/** Asked for twice: a slip of the finger would lose the key. */
async function newPassword(file: string | undefined, address: string): Promise<string> {
  const ask = terminalPassword();
  const password = await obtainPassword(file, `New password for ${address}`, ask);
  if (file === undefined && ask !== undefined && (await ask("Once more")) !== password) {
    throw new UsageError("PASSWORDS_DIFFER", "The two passwords differ; nothing was written.");
  }
  if (password !== "") return password;
  throw new UsageError("PASSWORD_EMPTY", "An empty password protects nothing; nothing was written.");
}

async function readAnyKey(file: string, passwordFile: string | undefined): Promise<Hex> {
  const text = readKeyFile(file);
  return text.trimStart().startsWith("{") ? openKeystore(file, passwordFile) : parsePrivateKey(text, file);
}

async function openKeystore(file: string, passwordFile: string | undefined): Promise<Hex> {
  const keystore = readKeystore(file);
  const password = await obtainPassword(passwordFile, `Password of ${file}`, terminalPassword());
  return decryptKey(keystore, password, file);
}
