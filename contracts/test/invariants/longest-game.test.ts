import type { CommittedTrace } from "@surety/engine";
import { describe, expect, it } from "vitest";
import { challengerMove, commitMove, revealMove, viewOf } from "../support/players.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { ZERO_ADDRESS } from "../support/surety.ts";
import { type Assertion, type Game, Ghost, type Request } from "./ghost.ts";

/** Seconds that each move takes, in order; the last one is `claimTimeout` or the step. */
interface Line {
  readonly moves: readonly { readonly call: string; readonly seconds: number }[];
  readonly seconds: number;
  readonly winner: Side;
}
type Side = "poster" | "challenger";

const CLOCK = 4;
const EXTENSION = 2;

describe("exhaustive search of a small game: three instructions of three leaves, one poster, one challenger", () => {
  const scenario = useSurety(smallModel, smallInput, { clockSeconds: CLOCK, extensionSeconds: EXTENSION });

  /** Every line of play: each side moves after any number of seconds, or never; longest first. */
  const search = (ghost: Ghost): Line[] => {
    const lines: Line[] = [];
    const request = { attempt: 0, status: "asserted" } as Request;
    const walk = (game: Game, now: number, moves: Line["moves"]): void => {
      const end = (call: string, seconds: number, winner: Side) =>
        lines.push({ moves: [...moves, { call, seconds }], seconds: now + seconds, winner });
      for (let seconds = 1; ; seconds++) {
        const at = now + seconds;
        if (ghost.timeoutError(game, at) === undefined) {
          end(
            "claimTimeout",
            seconds,
            ghost.clock(game, at).turn === "poster-late" ? "challenger" : "poster",
          );
          return;
        }
        const next: Game = { ...game, assertion: { ...game.assertion } };
        const { turn } = ghost.clock(game, at);
        let call: string;
        if (turn === "challenger" && game.stage === "tensor") {
          end("step", seconds, "challenger");
          continue;
        }
        if (turn === "challenger") {
          ghost.selectTensor(next, at);
          call = "selectTensor";
        } else if (game.stage === "trace") {
          next.assertion.committedAt = at;
          call = "commitTrace";
        } else {
          next.assertion.bytesAt = at;
          call = "revealBytes";
        }
        walk(next, at, [...moves, { call, seconds }]);
      }
    };
    const none = {
      postedAt: 0,
      committedAt: 0,
      bytesAt: 0,
      openGames: 1,
      attempt: 0,
      lies: true,
      postedBlock: 0n,
      demanded: true,
    };
    const assertion = { ...none, request, poster: "0x" } as Assertion;
    const clocks = { posterLeft: CLOCK, challengerLeft: CLOCK };
    walk({ id: 0n, assertion, challenger: "0x", stage: "trace", selectedAt: 0, ...clocks }, 0, []);
    return lines.sort((a, b) => b.seconds - a.seconds);
  };

  /** Plays a line on the contracts; gives what each side's calls took of gas and how the game ended. Nothing of it stays. */
  const replay = async (line: Line, trace: CommittedTrace) => {
    const { surety, actors } = scenario;
    const gas: Record<Side, Record<string, number>> = { poster: {}, challenger: {} };
    const id = await surety.snapshot();
    const { assertionId, poster } = await scenario.posted(trace);
    const accounts = { poster, challenger: actors.challenger };
    const capital = async (side: Side) => {
      const game = await surety.read<bigint>(surety.game, "creditOf", [accounts[side]]);
      const { stakeWei, lockedWei } = await surety.read<{ stakeWei: bigint; lockedWei: bigint }>(
        surety.operators,
        "operatorOf",
        [accounts[side]],
      );
      return (await surety.balance(accounts[side])) + game + stakeWei - lockedWei;
    };
    const before = { poster: await capital("poster"), challenger: await capital("challenger") };
    const bound: Record<Side, bigint> = { poster: 0n, challenger: 0n };
    const gameId = await scenario.open(assertionId, trace);
    const opened = await surety.network.publicClient.getBlock();
    gas.challenger.open = Number(opened.gasUsed);
    const begun = await surety.now();
    for (const { call, seconds } of line.moves) {
      const view = await viewOf(surety, gameId);
      const knows = scenario.knows(trace);
      // Whoever has won claims it.
      const side =
        call === "claimTimeout"
          ? line.winner
          : ["commitTrace", "revealBytes"].includes(call)
            ? "poster"
            : "challenger";
      const move =
        call === "claimTimeout"
          ? { to: surety.game, call, args: [gameId] }
          : call === "commitTrace"
            ? commitMove(surety, knows, trace, assertionId)
            : call === "revealBytes"
              ? revealMove(surety, trace, gameId, view)
              : challengerMove(surety, knows, gameId, view);
      expect(move.call).toBe(call);
      for (const who of ["poster", "challenger"] as const) {
        const held = before[who] - (await capital(who));
        if (held > bound[who]) bound[who] = held;
      }
      const receipt = await surety.send({
        ...move,
        from: accounts[side],
        time: (await surety.now()) + seconds,
      });
      gas[side][call] = Number(receipt.gasUsed);
    }
    const { phase } = await viewOf(surety, gameId);
    const seconds = (await surety.now()) - begun;
    const gained = (await capital(line.winner)) - before[line.winner];
    await surety.revert(id);
    return { gas, phase, seconds, bound, gained };
  };

  it("the longest delay is each side's clock and one extension a further turn; the contracts take as long", async () => {
    const { surety, honest } = scenario;
    const lines = search(new Ghost(surety.parameters, ZERO_ADDRESS));
    expect(lines.length).toBeGreaterThan(100);
    const [worst] = lines as [Line];
    // The last line's end is noticed one second after the clock.
    expect(worst.seconds).toBe(2 * (CLOCK + EXTENSION) + 1);
    expect(worst.moves.at(-1)?.call).toBe("claimTimeout");
    expect(worst.seconds).toBeLessThanOrEqual(
      Number(await surety.read<bigint>(surety.game, "maxGameSeconds")) + 1,
    );
    // The most moves that an honest challenger pays for: open, selectTensor, step.
    const own = (line: Line) =>
      line.moves.filter(({ call }) => ["selectTensor", "step"].includes(call)).length;
    expect(Math.max(...lines.map(own))).toBe(2);

    const lie = scenario.lie({ instruction: 2, byte: 5 });
    const longestWon = lines.find(({ moves }) => moves.at(-1)?.call === "step") as Line;
    expect(longestWon.seconds).toBe(2 * (CLOCK + EXTENSION));
    for (const [line, trace] of [
      [worst, honest],
      [longestWon, lie],
    ] as const) {
      const { phase, seconds } = await replay(line, trace);
      expect(seconds).toBe(line.seconds);
      expect(phase).toBe(trace === lie ? "challenger-won" : "poster-won");
    }
  });

  it("the highest honest cost is three moves' gas and one bond; the contracts take as much, and the reward covers it", async () => {
    const { surety, honest } = scenario;
    const lie = scenario.lie({ instruction: 2, byte: 5 });
    const lines = search(new Ghost(surety.parameters, ZERO_ADDRESS));
    const traces = { challenger: lie, poster: honest };
    // Gas of each side's calls, from lines that have them all.
    const gasOf: Record<Side, Record<string, number>> = { poster: {}, challenger: {} };
    const shapes = new Map<string, Line>();
    for (const line of lines) shapes.set([line.winner, ...line.moves.map(({ call }) => call)].join(), line);
    expect(shapes.size).toBeGreaterThan(3);
    for (const line of shapes.values()) {
      const { gas } = await replay(line, traces[line.winner]);
      for (const [call, used] of Object.entries(gas[line.winner]))
        gasOf[line.winner][call] = Math.max(gasOf[line.winner][call] ?? 0, used);
    }
    const costOf = ({ moves, winner }: Line) =>
      [...(winner === "challenger" ? ["open"] : []), ...moves.map(({ call }) => call)].reduce(
        (sum, call) => sum + (isOwn(call, winner) ? (gasOf[winner][call] ?? Number.NaN) : 0),
        0,
      );
    for (const side of ["challenger", "poster"] as const) {
      // An honest side has not lost: it moves in time, and says what is right.
      const [dearest] = lines
        .filter(({ winner }) => winner === side)
        .toSorted((a, b) => costOf(b) - costOf(a)) as [Line];
      const { gas, bound, gained, phase } = await replay(dearest, traces[side]);
      expect(phase).toBe(`${side}-won`);
      const own = Object.values(gas[side]).reduce((sum, used) => sum + used, 0);
      // A second more or less in a clock changes a byte of calldata or storage at most.
      expect(Math.abs(own - costOf(dearest)) / own).toBeLessThan(0.02);
      expect(Object.keys(gas[side])).toEqual(
        side === "challenger"
          ? ["open", "selectTensor", "step"]
          : ["commitTrace", "revealBytes", "claimTimeout"],
      );
      const { challengeBondWei, assertionBondWei } = surety.parameters;
      expect(bound[side]).toBe(side === "challenger" ? challengeBondWei : 0n);
      // At 30 gwei, which docs/protocol.md promises.
      expect(gained).toBeGreaterThan(BigInt(own) * 30n * 10n ** 9n);
      expect(gained).toBeLessThan(assertionBondWei);
    }
  });
});

function isOwn(call: string, side: Side): boolean {
  if (call === "claimTimeout") return true;
  return ["commitTrace", "revealBytes"].includes(call) === (side === "poster");
}
