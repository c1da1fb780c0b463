import path from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: path.join(import.meta.dirname, "../.."),
    include: ["test/packages/**/*.test.ts"],
    globalSetup: ["test/packages/support/pack.ts"],
    // Installing and compiling keep the machine busy by themselves.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
    reporters: ["default", "./test/support/closing-line.ts"],
  },
});
