import { describe, expect, it } from "vitest";
import { challengerMove, commitMove, revealMove, viewOf } from "../support/players.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { ZERO_ADDRESS } from "../support/surety.ts";
import { type Assertion, type Game, Ghost, type Request } from "./ghost.ts";

/** Seconds that each move takes, in order; the last one is `claimTimeout` or the step. */
interface Line {
  readonly moves: readonly { readonly call: string; readonly seconds: number }[];
  readonly seconds: number;
}

const CLOCK = 4;
const EXTENSION = 2;

describe("exhaustive search of a small game: three instructions of three leaves, one poster, one challenger", () => {
  const scenario = useSurety(smallModel, smallInput, { clockSeconds: CLOCK, extensionSeconds: EXTENSION });

  /** Every line of play: each side moves after any number of seconds, or never; longest first. */
  const search = (ghost: Ghost): Line[] => {
    const lines: Line[] = [];
    const request = { attempt: 0, status: "asserted" } as Request;
    const walk = (game: Game, now: number, moves: Line["moves"]): void => {
      const end = (call: string, seconds: number) =>
        lines.push({ moves: [...moves, { call, seconds }], seconds: now + seconds });
      for (let seconds = 1; ; seconds++) {
        const at = now + seconds;
        if (ghost.timeoutError(game, at) === undefined) {
          end("claimTimeout", seconds);
          return;
        }
        const next: Game = { ...game, assertion: { ...game.assertion } };
        const { turn } = ghost.clock(game, at);
        let call: string;
        if (turn === "challenger" && game.stage === "tensor") {
          end("step", seconds);
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
    const none = { postedAt: 0, committedAt: 0, bytesAt: 0, openGames: 1, attempt: 0, lies: true };
    const assertion = { ...none, request, poster: "0x" } as Assertion;
    const clocks = { posterLeft: CLOCK, challengerLeft: CLOCK };
    walk({ id: 0n, assertion, challenger: "0x", stage: "trace", selectedAt: 0, ...clocks }, 0, []);
    return lines.sort((a, b) => b.seconds - a.seconds);
  };

  it("the longest delay is each side's clock and one extension a further turn; the contracts take as long", async () => {
    const { surety, honest, actors } = scenario;
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
      const id = await surety.snapshot();
      const { assertionId, poster } = await scenario.posted(trace);
      const gameId = await scenario.open(assertionId, trace);
      const begun = await surety.now();
      for (const { call, seconds } of line.moves) {
        const view = await viewOf(surety, gameId);
        const knows = scenario.knows(trace);
        const by = ["commitTrace", "revealBytes"].includes(call) ? poster : actors.challenger;
        const move =
          call === "claimTimeout"
            ? { to: surety.game, call, args: [gameId] }
            : call === "commitTrace"
              ? commitMove(surety, knows, trace, assertionId)
              : call === "revealBytes"
                ? revealMove(surety, trace, gameId, view)
                : challengerMove(surety, knows, gameId, view);
        expect(move.call).toBe(call);
        await surety.send({ ...move, from: by, time: (await surety.now()) + seconds });
      }
      expect((await surety.now()) - begun).toBe(line.seconds);
      const { phase } = await viewOf(surety, gameId);
      expect(phase).toBe(trace === lie ? "challenger-won" : "poster-won");
      await surety.revert(id);
    }
  });
});
