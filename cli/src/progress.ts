import ora from "ora";

/** Told what is being done now, and how much of it is done. */
export type Say = (stage: string, done?: number, total?: number) => void;

const BAR = 24;

/** `calibrating [######------------------] 8/32` */
export function progressText(stage: string, done?: number, total?: number): string {
  if (done === undefined || total === undefined || total === 0) return stage;
  const filled = Math.round((BAR * Math.min(done, total)) / total);
  return `${stage} [${"#".repeat(filled)}${"-".repeat(BAR - filled)}] ${done}/${total}`;
}

/**
 * Does long work and shows on standard error how far it is: only to somebody at a terminal who did not ask for JSON, and in colour unless `NO_COLOR` is set.
 */
export async function withProgress<Result>(
  json: true | undefined,
  work: (say: Say) => Promise<Result>,
): Promise<Result> {
  // A terminal that does not say how wide it is has no end of lines to ora, which would go through them for ever.
  if (json || !process.stderr.isTTY || !process.stderr.columns) return work(() => {});
  const spinner = ora({
    stream: process.stderr,
    // ora's own colours do not know NO_COLOR.
    color: process.env.NO_COLOR ? false : "cyan",
    // Typing and Ctrl-C stay with whoever is at the terminal.
    discardStdin: false,
  });
  try {
    return await work((stage, done, total) => {
      spinner.text = progressText(stage, done, total);
      if (!spinner.isSpinning) spinner.start();
      // Long stretches of work leave no time for the spinner's own clock.
      spinner.render();
    });
  } finally {
    spinner.stop();
  }
}
