import { createRequire } from "node:module";
import { defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);

export default defineConfig({
  paths: { sources: "./src", tests: "./test", artifacts: "./artifacts", cache: "./cache" },
  solidity: {
    version: "0.8.37",
    // The npm package's compiler, so that nothing is downloaded.
    path: require.resolve("solc/soljson.js"),
    settings: {
      optimizer: { enabled: true, runs: 1_000 },
      evmVersion: "prague",
      viaIR: true,
      // No hash of the sources at the end, so that equal code is equal bytes everywhere.
      metadata: { bytecodeHash: "none", appendCBOR: false },
    },
  },
});
