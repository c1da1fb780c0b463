import {
  type Chain,
  type ContractCall,
  commitTrace,
  decodeLogs,
  depositStake,
  findLog,
  gameOf,
  joinModel,
  postOutput,
  requestOf,
  reveal,
  revealBytes,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import { type Bundle, CommittedTrace, evaluateTensor, toHex } from "@surety/engine";
import {
  type AssertionId,
  byteSpan,
  childPlaces,
  type GameId,
  type Hash32,
  nextMove,
  parseAssertionId,
  parseHash32,
  parseModelId,
  questionOf,
  type RequestId,
  suretyOracleAbi,
  traceTop,
} from "@surety/protocol";

export interface TestPosterParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly transactions: TransactionManager;
  readonly bundle: Bundle;
}

/** A poster that defends whatever trace it is given, for tests of the challenger. */
export function createTestPoster({ chain, addresses, transactions, bundle }: TestPosterParameters) {
  const outputs = bundle.header.outputs.map(({ instruction }) => instruction);

  async function questionBehind(requestId: RequestId): Promise<Hash32> {
    const { modelId, inputRoot, itemCount } = await requestOf(chain, addresses, requestId);
    return questionOf(modelId, inputRoot, itemCount);
  }

  /** Of an answer, or of an item of a batch's. */
  async function questionOfClaim(assertionId: AssertionId): Promise<Hash32> {
    const call = { address: addresses.oracle, abi: suretyOracleAbi, functionName: "claimOf" } as const;
    const [, modelId, inputRoot] = await chain.client.readContract({ ...call, args: [assertionId] });
    return questionOf(parseModelId(modelId), parseHash32(inputRoot));
  }

  return {
    async join(stakeWei: bigint): Promise<void> {
      await transactions.send(depositStake(addresses, stakeWei));
      await transactions.send(joinModel(addresses, bundle.modelId));
    },

    /** The trace of an input; with a lie, `at` is changed in the tensor of instruction `layer` and all later tensors follow. */
    trace(input: Uint8Array, lie?: { readonly layer: number; readonly at: number }): CommittedTrace {
      const tensors: Uint8Array[] = [];
      const { weights } = bundle;
      for (const [index, instruction] of bundle.instructions.entries()) {
        const tensor = evaluateTensor(instruction, { trace: tensors, weights, inputs: [input] });
        if (index === lie?.layer) tensor[lie.at] = (tensor[lie.at] ?? 0) ^ 0x80;
        tensors.push(tensor);
      }
      return new CommittedTrace(tensors);
    },

    /** Of a batch, the trace of each item. */
    async post(requestId: RequestId, ...traces: readonly CommittedTrace[]): Promise<AssertionId> {
      const question = await questionBehind(requestId);
      const output = Buffer.concat(
        traces.flatMap((trace) => outputs.map((instruction) => trace.tensorBytes(instruction))),
      );
      const receipt = await transactions.send(postOutput(addresses, { requestId, question, output }));
      const posted = findLog(decodeLogs(addresses, receipt.logs), "oracle", "Posted");
      return parseAssertionId(posted?.args.assertionId ?? 0n);
    },

    /** Makes the poster's move if one is due; true when it did. */
    async defend(gameId: GameId, assertionId: AssertionId, trace: CommittedTrace): Promise<boolean> {
      const view = await gameOf(chain, addresses, gameId);
      const due = nextMove(view);
      if (due?.by !== "poster") return false;
      const phase = view.phase === "tensor" ? "tensor" : "trace";
      const tree = phase === "tensor" ? trace.tensorTree(view.instruction) : trace.tree;
      const nodes = (place: { height: number; position: number }) =>
        childPlaces(phase, place).map(({ height, position }) => toHex(tree.node(height, position)));
      const question = await questionOfClaim(assertionId);
      await transactions.send(call());
      return true;

      function call(): ContractCall {
        if (due?.kind === "commitTrace") {
          return commitTrace(addresses, {
            assertionId,
            question,
            traceRoot: toHex(trace.root),
            header: bundle.header,
            outputRoots: outputs.map((instruction) => toHex(trace.tensorRoot(instruction))),
            outputProof: trace.tree.multiproof([...new Set(outputs)].sort((a, b) => a - b)).map(toHex),
            children: nodes(traceTop(trace.count)),
          });
        }
        if (due?.kind === "reveal") return reveal(addresses, gameId, view.node, nodes(view));
        const bytes = trace.tensorBytes(view.instruction);
        const { first, end } = byteSpan(view, bytes.length);
        return revealBytes(addresses, gameId, view.node, bytes.slice(first, end));
      }
    },
  };
}
