import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { SuretyParameters } from "@surety/chain";
import { openScene as openServiceScene, type Scene as ServiceScene } from "@surety/service/testing";
import type { OracleNodeOptions } from "../options/options.ts";

export interface Scene extends ServiceScene {
  /** A fresh folder for a node's data. */
  dataDir(): string;
  /** Options of a node that runs as development account `index`. */
  nodeOptions(index: number): OracleNodeOptions;
}

/** The scene of every service's tests, with folders for nodes. */
export async function openScene(parameters: Partial<SuretyParameters> = {}): Promise<Scene> {
  const scene = await openServiceScene(parameters);
  const dataDir = () => mkdtempSync(join(scene.folder, "data-"));
  return {
    ...scene,
    dataDir,
    nodeOptions: (index) => ({ ...scene.serviceOptions(index), dataDir: dataDir() }),
  };
}
