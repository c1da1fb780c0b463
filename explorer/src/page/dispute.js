import { count, ether, Party, Short, seconds } from "./format.js";
import { Layers } from "./models.js";
import { html } from "./preact.js";
import { Tree } from "./tree.js";

const OUTCOMES = {
  challengerWon: "the challenger won: the poster is slashed",
  posterWon: "the poster won: the challenger's bond is lost",
  void: "another dispute refuted the answer first",
};
const MOVES = {
  open: "opens the dispute",
  commitTrace: "commits the trace root",
  reveal: "reveals the nodes below",
  select: "picks the node that differs",
  revealBytes: "reveals the bytes",
  step: "has the chain recompute one element",
  end: "the clock ran out",
};
const camel = (text) => text.replace(/[ -](\w)/g, (_, letter) => letter.toUpperCase());

/** Every dispute as the tree it walks. */
export function Disputes({ network, now }) {
  const { games } = network;
  if (games.length === 0) return html`<p>No answer has been disputed.</p>`;
  return games.map(
    (game) => html`<${Dispute} key=${game.gameId} game=${game} network=${network} now=${now} />`,
  );
}

function Dispute({ game, network, now }) {
  const { names, models } = network;
  const layers = models.find(({ modelId }) => modelId === game.modelId)?.layers;
  const disputed = layerOf(game);
  const gas = game.moves.reduce((sum, move) => sum + move.gas, 0);
  return html`<article class="card dispute" id=${`dispute-${game.gameId}`}>
    <h3>
      <${Party} address=${game.challenger} names=${names} /> against <${Party} address=${game.poster} names=${names} />, request ${game.requestId}
    </h3>
    <p role="status">${game.ended ? (OUTCOMES[camel(game.ended.outcome)] ?? game.ended.outcome) : `live: ${whoseTurn(game)}`}</p>
    ${game.clock && html`<${Clocks} clock=${game.clock} now=${now} />`}
    ${
      layers &&
      html`<div class="scroll" tabindex="0" role="group" aria-label="The walk through the layers">
        <${Layers}
          layers=${layers}
          disputed=${disputed}
          label=${disputed === undefined ? `${layers.length} layers, none picked yet` : `Layer ${disputed} of ${layers.length} is disputed, all before it are accepted`}
        />
      </div>`
    }
    ${layers && html`<${Tree} game=${game} layerCount=${layers.length} />`}
    <${Walk} game=${game} names=${names} />
    ${game.verdict && html`<${Verdict} verdict=${game.verdict} />`}
    <p>
      ${count(game.moves.length)} moves, ${count(gas)} gas${
        game.ended
          ? `; ${ether(game.ended.paidWei)} paid to the winner, ${ether(game.ended.burnedWei)} burned`
          : ""
      }
    </p>
  </article>`;
}

/** The layer the walk has come to, once it is down at one tensor. */
function layerOf(game) {
  return game.verdict?.instruction ?? game.moves.findLast(({ place }) => place?.inTensor)?.place.instruction;
}

const whoseTurn = ({ clock }) => (clock ? `${clock.turn}'s turn` : "");

function Clocks({ clock, now }) {
  const { turn, turnEndsAt, posterSecondsLeft, challengerSecondsLeft } = clock;
  const most = Math.max(posterSecondsLeft, challengerSecondsLeft, 1);
  const side = (name, left) => {
    const running = turn === name;
    const remaining = Math.max(0, running ? turnEndsAt - now : left);
    return html`<div class=${running ? "running" : ""}>
      <label>${name}<meter min="0" max=${most} value=${remaining}></meter></label>
      <span class="clock">${seconds(remaining)}</span>
    </div>`;
  };
  return html`<div class="clocks">${side("poster", posterSecondsLeft)}${side("challenger", challengerSecondsLeft)}</div>`;
}

/** The walk down, a step a line: a list to whoever reads or hears it, a descending path to whoever looks. */
function Walk({ game, names }) {
  let depth = 0;
  return html`<ol class="walk">
    ${game.moves.map((move, index) => {
      if (move.move === "select" || move.move === "step") depth++;
      return html`<li key=${index} class=${move.by === game.challenger.toLowerCase() ? "challenger" : "poster"} data-depth=${Math.min(depth, 6)}>
        <span class="who"><${Party} address=${move.by} names=${names} /></span>
        <span>${MOVES[move.move] ?? move.move}${move.place ? html` <small>${where(move.place)}</small>` : ""}</span>
        <span class="gas">${count(move.gas)} gas</span>
        <${Short} value=${move.transaction} />
      </li>`;
    })}
  </ol>`;
}

function where({ inTensor, instruction, height, position }) {
  if (!inTensor) return `trace tree, height ${height}, node ${position}`;
  return `tensor of layer ${instruction}, height ${height}, node ${position}`;
}

function Verdict({ verdict }) {
  const { instruction, element, posted, expected, arithmetic } = verdict;
  return html`<section class="verdict" aria-label="The recomputed number">
    <p class="numbers">
      layer ${instruction}, element ${element}${arithmetic ? ` at [${arithmetic.at.join(", ")}]` : ""}:${" "}
      <span class="posted">posted ${posted}</span>, <span class="expected">the chain computes ${expected}</span>
    </p>
    ${
      arithmetic &&
      html`<details open>
        <summary>${arithmetic.accumulate === "none" ? "one element's function" : `a ${arithmetic.accumulate} over its operands`}, result ${arithmetic.dtype}</summary>
        <ul>
          ${arithmetic.operands.map(
            ({ from, dtype, count: many, values }) => html`<li>
              ${from} <code>${dtype}</code>: ${values.join(", ")}${many > values.length ? `, … (${count(many)} elements)` : ""}
            </li>`,
          )}
        </ul>
      </details>`
    }
  </section>`;
}
