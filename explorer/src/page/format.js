import { html } from "./preact.js";

/** An address or hash, short enough to read; the whole of it is its title. */
export function Short({ value }) {
  return html`<code title=${value}>${value.slice(0, 8)}…${value.slice(-4)}</code>`;
}

/** A party by its name, or by its address. */
export function Party({ address, names }) {
  const name = names[address.toLowerCase()];
  return name ? html`<span title=${address}>${name}</span>` : html`<${Short} value=${address} />`;
}

/** Wei as ether, without trailing zeros. */
export function ether(wei) {
  const text = wei.padStart(19, "0");
  const fraction = text.slice(-18).replace(/0+$/, "");
  return `${text.slice(0, -18)}${fraction ? `.${fraction}` : ""} ETH`;
}

export const count = (number) => number.toLocaleString("en");

/** Seconds as people say them. */
export function seconds(number) {
  if (number <= 0) return "0 s";
  const minutes = Math.floor(number / 60);
  return minutes === 0 ? `${Math.ceil(number)} s` : `${minutes} min ${Math.floor(number % 60)} s`;
}

/** A value of a tensor: integers as they are, floats with few digits. */
export function value(number) {
  return Number.isInteger(number) ? String(number) : number.toPrecision(4);
}

const STATES = {
  open: "waits for an answer",
  asserted: "answered, in its window",
  disputed: "under dispute",
  final: "final",
  refunded: "refunded",
};

export function State({ state }) {
  return html`<span class="state ${state}">${STATES[state]}</span>`;
}
