import { FatalError, suretyOracleAbi } from "@surety/protocol";
import { formatEther } from "viem";
import { type Asked, ask, digitOf } from "../devnet/ask.ts";
import { type Picture, prepareDigits } from "../devnet/digits.ts";
import { type DisputeReport, disputeTable, reportDispute } from "../devnet/dispute-report.ts";
import type { NodeRole } from "../devnet/roles.ts";
import { createWorld, type World } from "../devnet/world.ts";
import { printError, toJson } from "../output.ts";
import { createTimeline } from "./timeline.ts";

const TEST_IMAGES = 2_000;
const HONEST_REQUESTS = 3;
/** A request goes to a node by chance: so many tries until it is the liar's turn. */
const MOST_TRIES = 40;

const lieOnce = (fault: string) => ["--fault", fault, "--fault-requests", "1"];

const json = process.argv.includes("--json");
const startedAtMs = performance.now();
const timeline = createTimeline({ json, startedAtMs });

interface AnsweredDigit {
  readonly requestId: bigint;
  readonly label: number;
  readonly digit: number;
  readonly assignee: string;
  readonly requestGas: number;
}

interface LieReport extends DisputeReport {
  readonly liar: string;
  readonly lie: string;
  readonly requestId: bigint;
  readonly label: number;
  readonly digit: number;
  readonly answeredBy: string;
}

async function demo(): Promise<void> {
  timeline.chapter("A model that every machine computes alike");
  const digits = await prepareDigits(TEST_IMAGES);
  const { bundle, accuracy } = digits;
  const percent = (count: number) => `${((100 * count) / accuracy.images).toFixed(2)} %`;
  timeline.event(
    `compiled mnist-8.onnx with ${bundle.manifest.calibration.samples} training digits: ${bundle.instructions.length} instructions`,
  );
  timeline.detail([
    `model id ${bundle.modelId}`,
    `${accuracy.images} test digits: float ${percent(accuracy.floatCorrect)}, exact ${percent(accuracy.exactCorrect)}, same class ${percent(accuracy.sameClass)}`,
  ]);

  timeline.chapter("A chain, two staked nodes, a challenger");
  const world = await createWorld(bundle);
  const pictures = digits.pictures.values();
  const nextPicture = () => {
    const { value } = pictures.next();
    if (value === undefined) throw new FatalError("DEMO_FAILED", "There are no test digits left.");
    return value;
  };
  try {
    timeline.event(
      `chain ${world.chain.chainId} runs; oracle ${world.deployment.oracle}, game ${world.deployment.game}; model registered`,
    );
    await Promise.all([world.stake("node A"), world.stake("node B")]);
    const [nodeA, nodeB, nodeC, challenger] = await Promise.all([
      world.startNode("node A"),
      world.startNode("node B"),
      // Has no stake yet: it is asked nothing before it has.
      world.startNode("node C", lieOnce("output")),
      world.startChallenger(),
    ]);
    for (const { name, pid, url } of [nodeA, nodeB, nodeC, challenger])
      timeline.event(`${name}: process ${pid}, ${url}`);

    timeline.chapter("Honest answers");
    const honest = await answerHonestly(world, Array.from({ length: HONEST_REQUESTS }, nextPicture));

    timeline.chapter("A lie inside the network");
    await nodeB.stop();
    const lieInside = "layer=1,element=3251";
    await world.startNode("node B", lieOnce(lieInside));
    timeline.event(`node B now lies once: ${lieInside}, everything after it consistent`);
    const first = await lieAndDispute(world, "node B", lieInside, nextPicture);

    timeline.chapter("A lie about the output only");
    await world.stake("node C");
    timeline.event("node C stakes, joins, and lies once about its output");
    const second = await lieAndDispute(world, "node C", "output", nextPicture);

    const wallSeconds = (performance.now() - startedAtMs) / 1000;
    timeline.chapter("Done");
    timeline.event("both liars slashed, every request answered right");
    if (json) {
      const { modelId, manifest } = bundle;
      const summary = {
        modelId,
        accuracy,
        calibration: manifest.accuracy,
        honest,
        disputes: [first, second],
        wallSeconds,
      };
      process.stdout.write(`${toJson(summary)}\n`);
    }
  } finally {
    await world.close();
  }
}

/** Asks about several pictures at once; the answers' windows then pass together. */
async function answerHonestly(world: World, pictures: readonly Picture[]): Promise<AnsweredDigit[]> {
  const asked: (Asked & Picture & { assigneeName: string })[] = [];
  for (const picture of pictures) {
    const request = await ask(world, picture.image);
    const assigneeName = world.names.get(request.assignee.toLowerCase()) ?? request.assignee;
    asked.push({ ...request, ...picture, assigneeName });
    timeline.event(
      `request ${request.requestId}: a picture of ${picture.label}, assigned to ${assigneeName} (${request.gas.toLocaleString("en")} gas)`,
    );
  }
  const answered: AnsweredDigit[] = [];
  for (const { requestId, label, assigneeName, gas } of asked) {
    const digit = await digitOf(world, requestId);
    expectDigit(requestId, digit, label);
    timeline.event(`request ${requestId}: the window passed, the consumer's callback stored ${digit}`);
    answered.push({ requestId, label, digit, assignee: assigneeName, requestGas: gas });
  }
  return answered;
}

async function lieAndDispute(
  world: World,
  liar: NodeRole,
  lie: string,
  nextPicture: () => Picture,
): Promise<LieReport> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { image, label } = nextPicture();
    const fromBlock = await world.chain.client.getBlockNumber();
    const { requestId, assignee } = await ask(world, image);
    const name = world.names.get(assignee.toLowerCase());
    if (name !== liar) {
      timeline.event(`request ${requestId}: assigned to ${name}, which is honest`);
      continue;
    }
    const askedAtMs = performance.now();
    timeline.event(`request ${requestId}: a picture of ${label}, assigned to ${liar}, the liar`);
    const digit = await digitOf(world, requestId);
    expectDigit(requestId, digit, label);
    const report = await reportDispute({
      chain: world.chain,
      addresses: world.deployment,
      fromBlock,
      names: world.names,
    });
    const { answeredBy } = await finalAnswer(world, requestId);
    timeline.event(
      `request ${requestId}: disputed, slashed and answered again in ${((performance.now() - askedAtMs) / 1000).toFixed(1)} s`,
    );
    timeline.detail(disputeTable(report));
    timeline.detail([
      `slashed ${formatEther(report.slashedWei)} ETH of ${liar}: ${formatEther(report.paidWei)} paid to the challenger, ${formatEther(report.burnedWei)} burned`,
      `${answeredBy} answered the request again; the consumer's callback stored ${digit}`,
    ]);
    return { ...report, liar, lie, requestId, label, digit, answeredBy };
  }
  throw new FatalError("DEMO_FAILED", `${liar} was not assigned a request in ${MOST_TRIES} tries.`);
}

/** Who posted the answer that stands. */
async function finalAnswer(world: World, requestId: bigint): Promise<{ answeredBy: string }> {
  const logs = await world.chain.client.getContractEvents({
    address: world.deployment.oracle,
    abi: suretyOracleAbi,
    eventName: "Posted",
    args: { requestId },
    fromBlock: world.deployment.fromBlock,
  });
  const poster = logs.at(-1)?.args.poster ?? "nobody";
  return { answeredBy: world.names.get(poster.toLowerCase()) ?? poster };
}

function expectDigit(requestId: bigint, digit: number, label: number): void {
  if (digit !== label)
    throw new FatalError("DEMO_FAILED", `Request ${requestId}: the consumer got ${digit} for a ${label}.`);
}

try {
  await demo();
} catch (error) {
  printError(error, json);
  process.exitCode = 1;
}
