import { html } from "./preact.js";

const WIDTH = 560;
const ROW = 46;
const BOX = 14;
/** Wider rows are drawn as a bar with the chosen one marked in it. */
const MOST = 32;

/**
 * The levels that a dispute has come down by now: at each, so many nodes were there to pick from, and one was picked.
 *
 * @param layerCount how many layers the model has
 */
export function levelsOf(game, layerCount) {
  const levels = [];
  let above;
  for (const { move, place } of game.moves) {
    if (move !== "select" || !place) continue;
    if (!place.inTensor) {
      const width = 2 ** ((above?.height ?? Math.ceil(Math.log2(Math.max(2, layerCount)))) - place.height);
      levels.push({ what: `trace, height ${place.height}`, width, chosen: place.position % width });
    } else if (above?.inTensor) {
      const width = 2 ** (above.height - place.height);
      const what = place.height === 0 ? "leaf of bytes" : `tensor, height ${place.height}`;
      levels.push({ what, width, chosen: place.position % width });
    } else {
      levels.push({ what: `layer ${place.instruction}`, width: layerCount, chosen: place.instruction });
    }
    above = place;
  }
  if (game.verdict) levels.push({ what: `element ${game.verdict.element}`, width: 1, chosen: 0 });
  return levels;
}

/** The walk as the tree it goes down: a row a level, accepted nodes before the picked one, the unknown after it. */
export function Tree({ game, layerCount }) {
  const levels = levelsOf(game, layerCount);
  if (levels.length === 0) return null;
  const label = `The tree that is walked: ${levels.map(({ what, width, chosen }) => (width > 1 ? `${what}, number ${chosen} of ${width}` : what)).join("; ")}`;
  let from = WIDTH / 2;
  return html`<svg
    class="tree"
    viewBox=${`0 0 ${WIDTH} ${levels.length * ROW + 24}`}
    role="img"
    aria-label=${label}
  >
    <circle class="root" cx=${from} cy="6" r="5" />
    ${levels.map(({ what, width, chosen }, level) => {
      const y = level * ROW + 34;
      const step = Math.min(BOX + 4, (WIDTH - 160) / Math.max(width, 1));
      const span = width * step;
      const left = Math.min(Math.max(0, from - span / 2), WIDTH - 160 - span);
      const x = (index) => left + index * step;
      const [top, middle] = [level === 0 ? 11 : y - ROW + BOX, from];
      from = x(chosen) + step / 2;
      const kind = (index) => (index < chosen ? "accepted" : index === chosen ? "disputed" : "unknown");
      return html`<g key=${level}>
        <path class="fan" d=${`M${middle} ${top} L${left} ${y} H${left + span} Z`} />
        ${
          width <= MOST
            ? Array.from(
                { length: width },
                (_, index) =>
                  html`<rect key=${index} class=${kind(index)} x=${x(index) + 1} y=${y} width=${Math.max(step - 2, 2)} height=${BOX} rx="2" />`,
              )
            : html`<rect class="accepted" x=${left} y=${y} width=${chosen * step} height=${BOX} />
                <rect class="unknown" x=${x(chosen + 1)} y=${y} width=${(width - chosen - 1) * step} height=${BOX} />
                <rect class="disputed" x=${x(chosen)} y=${y} width=${Math.max(step, 3)} height=${BOX} />`
        }
        <text x=${WIDTH} y=${y + BOX - 2}>${what}</text>
      </g>`;
    })}
  </svg>`;
}
