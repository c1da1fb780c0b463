import { toHex } from "@surety/engine";
import type { Address, Hex } from "viem";
import { commitMove } from "../support/players.ts";
import type { At } from "../support/surety.ts";
import { Actor, type Arena, type Plan, STATUS } from "./arena.ts";
import { Poster } from "./posters.ts";

/** What the actors of attention tests know of them. */
export interface Attention extends At {
  readonly attentionBlocks: number;
  readonly revealSeconds: number;
}

interface Audit {
  readonly auditedAt: number;
}
const auditOf = ({ surety }: Arena, attention: Attention, assertionId: bigint) =>
  surety.read<Audit>(attention, "auditOf", [assertionId]);

/** Whether watchers may still attend to the standing answer in the next block, or have it audited. */
async function blocksLeft({ surety, assertionId }: Arena, { attentionBlocks }: Attention): Promise<number> {
  const { postedBlock } = await surety.read<{ postedBlock: number }>(surety.oracle, "assertionOf", [
    assertionId,
  ]);
  const block = await surety.network.publicClient.getBlockNumber({ cacheTime: 0 });
  return postedBlock + attentionBlocks - Number(block);
}

/** Answers, and shows its trace when it is audited: what an honest poster does, and a careful liar. */
export class AuditedPoster extends Poster {
  private readonly attention: Attention;
  private readonly committed = new Set<bigint>();
  constructor(attention: Attention, ...poster: ConstructorParameters<typeof Poster>) {
    super(...poster);
    this.attention = attention;
  }
  override plan(arena: Arena): Plan | undefined | Promise<Plan | undefined> {
    return this.answer(arena) ?? this.defend(arena) ?? this.show(arena);
  }
  private async show(arena: Arena): Promise<Plan | undefined> {
    const { assertionId, assertion, request, surety, question } = arena;
    if (assertion.poster !== this.address || request.status !== STATUS.asserted) return undefined;
    if (
      this.committed.has(assertionId) ||
      (await auditOf(arena, this.attention, assertionId)).auditedAt === 0
    )
      return undefined;
    const onMined = () => this.committed.add(assertionId);
    const { model, input } = question;
    return {
      ...commitMove(surety, { model, inputs: [input] }, this.trace, assertionId),
      from: this.address,
      onMined,
    };
  }
  /** A commitment that a challenge asked for is not made again for the audit. */
  protected override reply(...args: Parameters<Poster["reply"]>): Plan | undefined {
    const plan = super.reply(...args);
    if (plan?.call !== "commitTrace") return plan;
    return { ...plan, onMined: () => this.committed.add(args[2].assertionId) };
  }
}

/** Runs the model, attends, has the answer audited and takes its reward. */
export class Watcher extends Actor {
  readonly honest: boolean = true;
  protected readonly attention: Attention;
  protected readonly attended = new Set<bigint>();
  private readonly rewarded = new Set<bigint>();
  constructor(address: Address, attention: Attention) {
    super(address);
    this.attention = attention;
  }

  async plan(arena: Arena): Promise<Plan | undefined> {
    return (await this.attend(arena)) ?? (await this.audit(arena)) ?? (await this.claim(arena));
  }

  /** The trace root that it shows, and as whose. */
  protected shown(arena: Arena): { root: Hex; of: Address } | undefined {
    return { root: toHex(arena.question.honest.root), of: this.address };
  }

  protected async attend(arena: Arena): Promise<Plan | undefined> {
    const { assertionId, request, surety } = arena;
    const shown = this.shown(arena);
    if (request.status !== STATUS.asserted || shown === undefined || this.attended.has(assertionId))
      return undefined;
    if ((await blocksLeft(arena, this.attention)) <= 0) return undefined;
    const commitment = await surety.read<Hex>(this.attention, "commitmentOf", [
      assertionId,
      shown.of,
      shown.root,
    ]);
    const onMined = () => this.attended.add(assertionId);
    const args = [assertionId, commitment];
    return { from: this.address, to: this.attention, call: "attend", args, onMined };
  }

  private async audit(arena: Arena): Promise<Plan | undefined> {
    const { assertionId, request, surety, assertion, now } = arena;
    if (!this.honest || request.status !== STATUS.asserted || assertion.openGames !== 0) return undefined;
    if (now + 1 + 2 * this.attention.revealSeconds > assertion.windowEndsAt) return undefined;
    if ((await auditOf(arena, this.attention, assertionId)).auditedAt !== 0) return undefined;
    const left = await blocksLeft(arena, this.attention);
    // Nobody has anything to send: blocks pass.
    if (left > 0) await surety.network.testClient.mine({ blocks: left });
    return { from: this.address, to: this.attention, call: "audit", args: [assertionId] };
  }

  protected async claim(arena: Arena): Promise<Plan | undefined> {
    const { assertionId, request } = arena;
    const audited = await auditOf(arena, this.attention, assertionId);
    if (!this.honest || request.status !== STATUS.final || audited.auditedAt === 0) return undefined;
    // Whoever claims it, it is paid to whom it is due.
    const isPaid = arena.log.some(
      ({ plan, refused }) =>
        plan.call === "reward" && plan.args?.[1] === this.address && refused === undefined,
    );
    if (isPaid || this.rewarded.has(assertionId)) return undefined;
    const onMined = () => this.rewarded.add(assertionId);
    const args = [assertionId, this.address];
    return { from: this.address, to: this.attention, call: "reward", args, onMined };
  }
}

/** Runs nothing, believing that nobody lies. */
export class LazyWatcher extends Watcher {
  override readonly honest = false;
  protected override shown(): undefined {
    return undefined;
  }
}

/** Sends what another has sent, before it is mined. */
export class CopyingWatcher extends Watcher {
  override readonly honest = false;
  protected override shown(): undefined {
    return undefined;
  }
  override frontRun(_arena: Arena, seen: Plan): Plan | undefined {
    return seen.call === "attend" && seen.from !== this.address ? { ...seen, from: this.address } : undefined;
  }
}

/** Has run the model, attends and takes its reward, each as often as it can, and another's. */
export class GreedyWatcher extends Watcher {
  override readonly honest = false;
  private claims: Address[];
  constructor(address: Address, attention: Attention, others: readonly Address[]) {
    super(address, attention);
    this.claims = [address, address, ...others, address];
  }
  private attempts = 0;
  protected override async attend(arena: Arena): Promise<Plan | undefined> {
    const plan = await super.attend(arena);
    if (plan === undefined) return undefined;
    // Twice for each answer.
    return { ...plan, onMined: () => this.attempts++ % 2 === 1 && this.attended.add(arena.assertionId) };
  }
  protected override async claim(arena: Arena): Promise<Plan | undefined> {
    const { assertionId, request } = arena;
    const [of] = this.claims;
    if (request.status !== STATUS.final || of === undefined) return undefined;
    const args = [assertionId, of];
    return {
      from: this.address,
      to: this.attention,
      call: "reward",
      args,
      onMined: () => this.claims.shift(),
    };
  }
}

/** Shows who did not attend rightly, once the answer is final. */
export class Shower extends Actor {
  readonly honest = false;
  private readonly attention: Attention;
  private readonly whom: Address[];
  constructor(address: Address, attention: Attention, whom: readonly Address[]) {
    super(address);
    this.attention = attention;
    // The same one twice.
    this.whom = whom.flatMap((one) => [one, one]);
  }
  plan({ assertionId, request }: Arena): Plan | undefined {
    const [who] = this.whom;
    if (request.status !== STATUS.final || who === undefined) return undefined;
    const args = [assertionId, who];
    return {
      from: this.address,
      to: this.attention,
      call: "showWatcher",
      args,
      onMined: () => this.whom.shift(),
    };
  }
}
