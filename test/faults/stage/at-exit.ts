const steps = new Set<() => void>();
process.once("exit", () => {
  for (const step of steps) step();
});

/** Has something undone when this process ends, however many there are; the result takes it back. */
export function atExit(step: () => void): () => void {
  steps.add(step);
  return () => steps.delete(step);
}
