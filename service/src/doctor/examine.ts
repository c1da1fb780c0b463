import { errorCode } from "@surety/protocol";
import { reasonOf } from "../log/reason.ts";

/** `warning`: it runs, but something should be done. `unknown`: something else must be mended first. */
export type Verdict = "good" | "warning" | "bad" | "unknown";

/** What one look found. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** What was seen, in one line. */
  readonly facts: string;
  /** What to do about it. */
  readonly mend?: string;
}

/** Looks at one thing; what it throws is a bad finding. */
export interface Check {
  readonly name: string;
  /** Names of checks that must not have been bad: without them there is nothing to look at. */
  readonly needs?: readonly string[];
  readonly look: () => Promise<Omit<Finding, "check"> | readonly Omit<Finding, "check">[]>;
}

/** Makes the checks one after the other. */
export async function examine(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, needs = [], look } of checks) {
    const missing = needs.find((need) =>
      findings.some(({ check, verdict }) => check === need && (verdict === "bad" || verdict === "unknown")),
    );
    if (missing !== undefined) {
      findings.push({ check: name, verdict: "unknown", facts: `not looked at: mend "${missing}" first` });
      continue;
    }
    try {
      const found = await look();
      for (const one of Array.isArray(found) ? found : [found]) findings.push({ check: name, ...one });
    } catch (error) {
      findings.push({
        check: name,
        verdict: "bad",
        facts: reasonOf(error),
        mend: `docs/errors.md, ${errorCode(error)}`,
      });
    }
  }
  return findings;
}

/** Whether the service may be started. */
export function isFit(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict === "good" || verdict === "warning");
}

const SIGNS: Readonly<Record<Verdict, string>> = {
  good: "ok  ",
  warning: "warn",
  bad: "BAD ",
  unknown: "?   ",
};

/** For people: a line a finding, and what to do below what is not good. */
export function describeFindings(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ check, verdict, facts, mend }) => [
    `${SIGNS[verdict]} ${check}: ${facts}`,
    ...(mend === undefined || verdict === "good" ? [] : [`       ${mend}`]),
  ]);
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const [bad, warnings] = [count("bad") + count("unknown"), count("warning")];
  lines.push(
    "",
    bad === 0
      ? `Fit to start, ${warnings} warnings.`
      : `Not fit to start: ${bad} to mend, ${warnings} warnings.`,
  );
  return lines.join("\n");
}
