import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  type Chain,
  createTransactionManager,
  DEVNET_PARAMETERS,
  decodeLogs,
  deploySurety,
  depositStake,
  findLog,
  joinModel,
  openChain,
  quoteBatchWei,
  quoteWei,
  registerModel,
  requestBatch,
  requestInference,
  requestInferenceByReference,
  type SuretyDeployment,
  type SuretyParameters,
  type TransactionManager,
} from "@surety/chain";
import { type Anvil, devAccount, devPrivateKey, startAnvil, testClient } from "@surety/chain/testing";
import {
  type Bundle,
  compileModel,
  inputsToBytes,
  joinedRoot,
  modelInputs,
  readInputs,
  writeBundle,
} from "@surety/engine";
import { parseRequestId, type RequestId } from "@surety/protocol";
import { createWalletClient, http } from "viem";
import type { ServiceOptions } from "../options/service-options.ts";

const MNIST = resolve(import.meta.dirname, "../../../fixtures/mnist");

/** A chain with the contracts, the compiled MNIST model, and its images; for tests. */
export interface Scene {
  readonly anvil: Anvil;
  readonly chain: Chain;
  readonly addresses: SuretyDeployment;
  readonly bundle: Bundle;
  readonly bundlesDir: string;
  /** Removed at the end. */
  readonly folder: string;
  /** Request input number `index` of the test images. */
  input(index: number): Uint8Array;
  /** Transactions of development account `index`. */
  sender(index: number): TransactionManager;
  /** Stakes and joins the model with development account `index`. */
  enlist(index: number): Promise<void>;
  /** Asks, without a consumer, as account 9. */
  ask(input: Uint8Array, deadlineSeconds?: number): Promise<RequestId>;
  /** Asks for the answers to many inputs in one request. */
  askBatch(inputs: readonly Uint8Array[]): Promise<RequestId>;
  /** Asks without the input's bytes; gives their root too. */
  askByReference(input: Uint8Array, uri: string): Promise<{ requestId: RequestId; inputRoot: string }>;
  /** Lets the chain's time pass. */
  advance(seconds: number): Promise<void>;
  /** Options of a service that runs as development account `index`; it needs a `dataDir` of its own. */
  serviceOptions(index: number): ServiceOptions;
  close(): Promise<void>;
}

export async function openScene(parameters: Partial<SuretyParameters> = {}): Promise<Scene> {
  const anvil = await startAnvil();
  const folder = mkdtempSync(join(tmpdir(), "surety-scene-"));
  const chain = await openChain({ rpcUrl: anvil.url, pollMs: 50 });
  const wallet = createWalletClient({
    account: devAccount(0),
    transport: http(anvil.url),
    pollingInterval: 50,
  });
  const addresses = await deploySurety(wallet, chain.client, { ...DEVNET_PARAMETERS, ...parameters });

  const model = new Uint8Array(readFileSync(join(MNIST, "mnist-8.onnx")));
  const specs = modelInputs(model);
  const calibration = readInputs(join(MNIST, "train-1000-images-idx3-ubyte.gz"), specs).slice(0, 32);
  const bundle = await compileModel({ model, calibration });
  const bundlesDir = join(folder, "bundles");
  writeBundle(bundle, join(bundlesDir, "mnist"));
  const images = readInputs(join(MNIST, "t10k-images-idx3-ubyte.gz"), specs);

  const senders = new Map<number, TransactionManager>();
  const sender = (index: number) => {
    const manager = senders.get(index) ?? createTransactionManager({ chain, account: devAccount(index) });
    senders.set(index, manager);
    return manager;
  };
  await sender(0).send(registerModel(addresses, bundle.header, ""));

  return {
    anvil,
    chain,
    addresses,
    bundle,
    bundlesDir,
    folder,
    sender,
    input: (index) => Buffer.concat(inputsToBytes(bundle, images[index] ?? {})),
    async enlist(index) {
      await sender(index).send(depositStake(addresses, DEVNET_PARAMETERS.minStakeWei));
      await sender(index).send(joinModel(addresses, bundle.modelId));
    },
    async ask(input, deadlineSeconds = 3_600) {
      const feeWei = await quoteWei(chain, addresses, bundle.modelId);
      const { timestamp } = await chain.client.getBlock();
      const deadline = Number(timestamp) + deadlineSeconds;
      const receipt = await sender(9).send(
        requestInference(addresses, { modelId: bundle.modelId, input, feeWei, deadline }),
      );
      const requested = findLog(decodeLogs(addresses, receipt.logs), "oracle", "Requested");
      return parseRequestId(requested?.args.requestId ?? 0n);
    },
    async askBatch(inputs) {
      const { modelId } = bundle;
      const feeWei = await quoteBatchWei(chain, addresses, modelId, inputs.length);
      const { timestamp } = await chain.client.getBlock();
      const terms = { modelId, feeWei, deadline: Number(timestamp) + 100_000 };
      const receipt = await sender(9).send(
        requestBatch(addresses, { ...terms, input: Buffer.concat(inputs), itemCount: inputs.length }),
      );
      const asked = findLog(decodeLogs(addresses, receipt.logs), "oracle", "BatchRequested");
      return parseRequestId(asked?.args.requestId ?? 0n);
    },
    async askByReference(input, uri) {
      const { modelId, header } = bundle;
      const inputRoot = joinedRoot(header.inputBytes, input);
      const feeWei = await quoteWei(chain, addresses, modelId);
      const { timestamp } = await chain.client.getBlock();
      const deadline = Number(timestamp) + 3_600;
      const receipt = await sender(9).send(
        requestInferenceByReference(addresses, { modelId, inputRoot, uri, feeWei, deadline }),
      );
      const asked = findLog(decodeLogs(addresses, receipt.logs), "oracle", "RequestedByReference");
      return { requestId: parseRequestId(asked?.args.requestId ?? 0n), inputRoot };
    },
    async advance(seconds) {
      const client = testClient(anvil.url);
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
    serviceOptions: (index) => ({
      rpcUrls: [anvil.url],
      addresses,
      key: { kind: "environment", value: devPrivateKey(index) },
      bundlesDir,
      port: 0,
      pollMs: 100,
      rpcGiveUpMs: 3_000,
      logLevel: process.env.SURETY_TEST_LOG ?? "silent",
    }),
    async close() {
      await anvil.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
