import { defineConfig } from "vitest/config";
import WaitingFirst from "./test/support/waiting-first.ts";

export default defineConfig({
  test: {
    include: ["*/src/**/*.test.ts", "contracts/test/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
    // Packs and installs every package, which takes a minute and the registry: `npm run test:packages`.
    exclude: ["**/node_modules/**", "test/packages/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Node strips types with WebAssembly in every thread. Where threads come and go, V8 now and then aborts (SIGTRAP) when one frees the import wrappers that another
    // has compiled: none is compiled, so none is freed. Published packages are JavaScript and strip nothing.
    execArgv: ["--wasm-wrapper-tiering-budget=1000000000"],
    // Vitest leaves one core to itself: on two cores all files would run one after the other.
    maxWorkers: "100%",
    sequence: { sequencer: WaitingFirst },
    reporters: ["default", "./test/support/closing-line.ts"],
  },
});
