import { html, useEffect, useRef, useState } from "./preact.js";

const SIDE = 28;
const ZOOM = 10;
const BRUSH = [
  [0, 0, 255],
  [1, 0, 160],
  [-1, 0, 160],
  [0, 1, 160],
  [0, -1, 160],
];

/** A digit drawn by pointer, finger or arrow keys, sent as a request. */
export function Draw() {
  const pixels = useRef(new Uint8Array(SIDE * SIDE));
  const canvas = useRef(null);
  const cursor = useRef({ x: 14, y: 14 });
  const [message, say] = useState("Draw a digit.");
  const [sending, setSending] = useState(false);

  const show = () => {
    const context = canvas.current.getContext("2d");
    context.clearRect(0, 0, SIDE * ZOOM, SIDE * ZOOM);
    for (let i = 0; i < pixels.current.length; i++) {
      const ink = pixels.current[i];
      if (ink === 0) continue;
      context.fillStyle = `rgb(0 0 0 / ${ink / 255})`;
      context.fillRect((i % SIDE) * ZOOM, Math.floor(i / SIDE) * ZOOM, ZOOM, ZOOM);
    }
    if (document.activeElement === canvas.current) {
      context.strokeStyle = "#0a58ca";
      context.lineWidth = 2;
      context.strokeRect(cursor.current.x * ZOOM, cursor.current.y * ZOOM, ZOOM, ZOOM);
    }
  };
  const paint = (x, y) => {
    for (const [dx, dy, ink] of BRUSH) {
      const [column, row] = [x + dx, y + dy];
      if (column < 0 || row < 0 || column >= SIDE || row >= SIDE) continue;
      const at = row * SIDE + column;
      pixels.current[at] = Math.max(pixels.current[at], ink);
    }
    show();
  };
  const paintAt = (event) => {
    if (event.buttons === 0) return;
    const box = canvas.current.getBoundingClientRect();
    const place = (offset, length) => Math.floor((offset / length) * SIDE);
    paint(place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height));
  };
  const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const onKeyDown = (event) => {
    const step = keys[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (step) {
      const inside = (number) => Math.min(SIDE - 1, Math.max(0, number));
      cursor.current = { x: inside(cursor.current.x + step[0]), y: inside(cursor.current.y + step[1]) };
    }
    if (event.key === " " || event.shiftKey) paint(cursor.current.x, cursor.current.y);
    show();
  };
  const clear = () => {
    pixels.current.fill(0);
    show();
    say("Draw a digit.");
  };
  const send = async () => {
    if (pixels.current.every((ink) => ink === 0)) return say("There is nothing drawn yet.");
    setSending(true);
    try {
      const response = await fetch("/api/digit", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ pixels: Array.from(pixels.current) }),
      });
      const answer = await response.json();
      say(
        response.ok ? `Sent as request ${answer.requestId}.` : `Not sent: ${answer.message ?? answer.error}`,
      );
    } catch (error) {
      say(`Not sent: ${error.message}`);
    } finally {
      setSending(false);
    }
  };
  useEffect(show, []);

  return html`<div class="draw">
    <canvas
      ref=${canvas}
      width=${SIDE * ZOOM}
      height=${SIDE * ZOOM}
      tabindex="0"
      role="application"
      aria-label="Drawing of 28 by 28 points. Arrow keys move, space inks, shift with an arrow draws a line."
      onPointerDown=${(event) => {
        canvas.current.setPointerCapture(event.pointerId);
        paintAt(event);
      }}
      onPointerMove=${paintAt}
      onKeyDown=${onKeyDown}
      onFocus=${show}
      onBlur=${show}
    ></canvas>
    <div>
      <button type="button" onClick=${send} disabled=${sending}>Ask what it is</button>
      <button type="button" class="quiet" onClick=${clear}>Clear</button>
      <p role="status">${message}</p>
    </div>
  </div>`;
}
