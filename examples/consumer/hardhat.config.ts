import { createRequire } from "node:module";
import { defineConfig } from "hardhat/config";

export default defineConfig({
  solidity: {
    version: "0.8.37",
    // The compiler of the npm package solc: nothing is downloaded.
    path: createRequire(import.meta.url).resolve("solc/soljson.js"),
    settings: { optimizer: { enabled: true, runs: 1_000 }, evmVersion: "prague" },
  },
});
