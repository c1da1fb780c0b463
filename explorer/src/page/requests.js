import { count, ether, Party, Short, State, seconds, value } from "./format.js";
import { html } from "./preact.js";

export function Requests({ network, now }) {
  const { requests, names, games } = network;
  if (requests.length === 0) return html`<p>Nobody has asked anything yet.</p>`;
  return html`<ol class="cards" reversed>
    ${requests.map(
      (request) => html`<li class="card" key=${request.requestId} id=${`request-${request.requestId}`}>
        <h3>Request ${request.requestId} <${State} state=${request.state} /></h3>
        <p>
          asked by <${Party} address=${request.requester} names=${names} />, ${count(request.asked.gas)} gas, model${" "}
          <${Short} value=${request.modelId} />
        </p>
        ${request.assertions.map(
          (assertion) => html`<${Assertion}
            key=${assertion.assertionId}
            assertion=${assertion}
            names=${names}
            now=${now}
            games=${games.filter((game) => game.assertionId === assertion.assertionId)}
          />`,
        )}
      </li>`,
    )}
  </ol>`;
}

function Assertion({ assertion, names, now, games }) {
  const { poster, outcome, values, windowEndsAt, posted } = assertion;
  const left = windowEndsAt - now;
  return html`<div class="assertion ${outcome}">
    <p>
      <${Party} address=${poster} names=${names} /> answered (${count(posted.gas)} gas)${" "}
      ${
        outcome === "standing"
          ? left > 0
            ? html`· its window closes in <span class="clock">${seconds(left)}</span>`
            : "· its window is over"
          : html`· <strong>${outcome}</strong>`
      }
    </p>
    ${values && html`<${Bars} values=${values} />`}
    ${games.map(
      (game) =>
        html`<p key=${game.gameId}><a href=${`#dispute-${game.gameId}`}>Dispute by ${names[game.challenger.toLowerCase()] ?? game.challenger}</a></p>`,
    )}
  </div>`;
}

/** The answer's values side by side; the largest stands out. */
function Bars({ values }) {
  const largest = Math.max(...values);
  const low = Math.min(...values, 0);
  const span = Math.max(largest, 0) - low || 1;
  const place = values.indexOf(largest);
  const label = `${values.length} values, the largest is number ${place}: ${value(largest)}`;
  return html`<svg class="bars" viewBox=${`0 0 ${values.length * 12} 52`} role="img" aria-label=${label}>
      ${values.map((number, index) => {
        const height = (Math.abs(number) / span) * 40;
        const zero = (Math.max(largest, 0) / span) * 40;
        return html`<rect
          x=${index * 12 + 1}
          y=${number >= 0 ? zero - height : zero}
          width="10"
          height=${Math.max(height, 0.5)}
          class=${index === place ? "largest" : ""}
        />`;
      })}
      ${values.length <= 12 && values.map((_, index) => html`<text x=${index * 12 + 6} y="51">${index}</text>`)}
    </svg>`;
}

export function Operators({ network }) {
  const { operators, names } = network;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Stakes">
    <table>
      <thead><tr><th scope="col">Operator</th><th scope="col">Stake</th><th scope="col">Locked</th><th scope="col">Models</th><th scope="col">State</th></tr></thead>
      <tbody>
        ${operators.map(
          ({ address, stakeWei, lockedWei, jailed, models }) => html`<tr key=${address}>
            <th scope="row"><${Party} address=${address} names=${names} /></th>
            <td>${ether(stakeWei)}</td><td>${ether(lockedWei)}</td><td>${models.length}</td>
            <td>${jailed ? html`<span class="state refuted">slashed</span>` : models.length > 0 ? "serves" : "idle"}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
