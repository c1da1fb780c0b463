export interface UsageParameters {
  /** Name of the command. */
  readonly command: string;
  /** Of the API. */
  readonly defaultPort: number;
  /** What the models are for. */
  readonly bundles: string;
  /** Whose the private key is. */
  readonly key: string;
  /** What the data directory holds. */
  readonly dataDir: string;
  /** The service's own flags: name and value, and what it does. */
  readonly own: readonly (readonly [flag: string, what: string])[];
}

const COLUMN = 23;

/** The help text of a service. */
export function usage({ command, defaultPort, bundles, key, dataDir, own }: UsageParameters): string {
  const flags: UsageParameters["own"] = [
    ["--rpc-url URL", "JSON-RPC endpoint of the chain"],
    [
      "--deployment FILE",
      'JSON: {"registry","operators","oracle","game"} addresses, and optionally "startBlock"',
    ],
    ["--bundles DIR", `${bundles}: a bundle, or one in each subdirectory`],
    ["--key-file FILE", `${key}; development chains only. Or SURETY_PRIVATE_KEY in the environment`],
    ["--data-dir DIR", `${dataDir} (default .surety/${command})`],
    ["--chain-id N", "refuse any other chain"],
    ["--host HOST --port N", `of the API (default 127.0.0.1:${defaultPort}; port 0 takes a free one)`],
    ["--start-block N", "first block to read (default: the deployment's, else 0)"],
    ["--finality-blocks N", "a block this deep is final (default 64)"],
    ["--poll-ms N", "between looks at the chain (default 500)"],
    ["--rpc-give-up-ms N", "how long the RPC may be down (default 30000)"],
    ["--fetch-inputs KINDS", "of file,http,https: fetch inputs from where strangers say (default none)"],
    ["--log-level LEVEL", "default info"],
    ...own,
  ];
  return [
    `Usage: ${command} --rpc-url URL --deployment FILE --bundles DIR [--key-file FILE] [options]`,
    "",
    ...flags.map(([flag, what]) => `  ${flag.padEnd(COLUMN)}${what}`),
    "",
    "Every flag can be given as SURETY_<FLAG> in the environment, as in SURETY_RPC_URL; a flag wins.",
  ].join("\n");
}
