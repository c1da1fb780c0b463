import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** The Debian package's. */
const CHROMIUM = process.env.SURETY_CHROMIUM ?? "/usr/bin/chromium";

/** Why there is no browser here; undefined when there is one. */
export const noBrowser = existsSync(CHROMIUM)
  ? undefined
  : `${CHROMIUM} is not installed (apt-get install chromium, or set SURETY_CHROMIUM)`;

/** A headless Chromium. Root has no sandbox to give it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}
