/** What a consumer project can be built with. */
export const FRAMEWORKS = {
  hardhat: {
    title: "Hardhat 3",
    test: "hardhat test",
    leavesOut: ["foundry.toml", "solc.mjs"],
    /** Not installed. The compiler's package is what both of them compile with. */
    without: ["@foundry-rs/forge", "@openzeppelin/contracts"],
  },
  foundry: {
    title: "Foundry",
    test: "forge test",
    leavesOut: ["hardhat.config.ts"],
    without: ["hardhat"],
  },
} as const;
export type Framework = keyof typeof FRAMEWORKS;

/** The example's package.json, as far as it is read here. */
export interface ExampleManifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/**
 * The example's package.json for one framework.
 *
 * @param source where a package of ours is installed from: a folder, or undefined for the registry
 */
export function manifestFor(
  example: ExampleManifest,
  framework: Framework,
  name: string,
  source: (packageName: string) => string | undefined,
): ExampleManifest {
  const { test, without } = FRAMEWORKS[framework];
  const { "test:foundry": _, ...scripts } = example.scripts;
  const devDependencies = Object.entries(example.devDependencies)
    .filter(([dependency]) => !(without as readonly string[]).includes(dependency))
    .map(([dependency, version]) => {
      const folder = source(dependency);
      return [dependency, folder === undefined ? version : `file:${folder}`];
    });
  return {
    ...example,
    name,
    scripts: { ...scripts, test },
    devDependencies: Object.fromEntries(devDependencies),
  };
}
