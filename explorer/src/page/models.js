import { count, Short } from "./format.js";
import { html } from "./preact.js";

const HEIGHT = 72;
const GAP = 3;

/** A layer's size, for its height in the drawing: tensors differ by factors of thousands. */
const scale = (elements, most) => (Math.log2(elements + 1) / Math.log2(most + 1)) * HEIGHT;
const elementsOf = ({ dims }) => dims.reduce((product, dim) => product * dim, 1);

/**
 * The layers of a model in a row, as high as their tensors are large.
 *
 * @param disputed the layer a dispute has come to; all before it are accepted
 */
export function Layers({ layers, disputed, label }) {
  const width = layers.length > 60 ? 6 : 16;
  const most = Math.max(...layers.map(elementsOf));
  return html`<svg
    class="layers"
    viewBox=${`0 0 ${layers.length * (width + GAP)} ${HEIGHT + 16}`}
    width=${layers.length * (width + GAP)}
    role="img"
    aria-label=${label}
  >
    ${layers.map((layer, index) => {
      const height = Math.max(3, scale(elementsOf(layer), most));
      const kind =
        disputed === undefined
          ? layer.accumulate
          : index < disputed
            ? "accepted"
            : index === disputed
              ? "disputed"
              : "unknown";
      return html`<g key=${index} class=${`layer ${kind}`}>
        <title>${index}: ${layer.name} ${layer.dtype}[${layer.dims.join("×")}] (${layer.accumulate})</title>
        <rect x=${index * (width + GAP)} y=${HEIGHT - height} width=${width} height=${height} rx="2" />
        ${
          (layers.length <= 24 || index === disputed || index % 10 === 0) &&
          html`<text x=${index * (width + GAP) + width / 2} y=${HEIGHT + 12}>${index}</text>`
        }
      </g>`;
    })}
  </svg>`;
}

export function Models({ models }) {
  return models.map(
    ({ modelId, layers }) => html`<article class="card" key=${modelId}>
      <h3>Model <${Short} value=${modelId} /></h3>
      ${
        layers
          ? html`<div class="scroll" tabindex="0" role="group" aria-label="Layers">
              <${Layers} layers=${layers} label=${`${layers.length} layers`} />
            </div>
            <details>
              <summary>${count(layers.length)} layers as a list</summary>
              <ol start="0">
                ${layers.map(
                  ({ name, dtype, dims, accumulate }) =>
                    html`<li>${name || "(unnamed)"} <code>${dtype}[${dims.join("×")}]</code> ${accumulate}</li>`,
                )}
              </ol>
            </details>`
          : html`<p>Its bundle is not at hand here.</p>`
      }
    </article>`,
  );
}
