// Runs after `npm install`. npm decides by its own Node which optional packages fit, and Hardhat's EVM asks for Node 22: started by Node 20, npm
// leaves it out. This goes over the lock file once more with the Node that the package `node` has just put beside us.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Whether Hardhat's EVM can be loaded: its JavaScript part finds the binary of this platform, or throws. */
function evmLoads(): boolean {
  try {
    require(require.resolve("@nomicfoundation/edr", { paths: [require.resolve("hardhat/package.json")] }));
    return true;
  } catch {
    return false;
  }
}

const npm = process.env.npm_execpath;
if (npm !== undefined && !evmLoads()) {
  const { status } = spawnSync(
    process.execPath,
    [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    { stdio: "inherit" },
  );
  if (status !== 0) {
    console.error(
      "error[INSTALL_INCOMPLETE]: Hardhat's EVM could not be installed. Run npm install with Node 24 or later.",
    );
    process.exitCode = 1;
  }
}
