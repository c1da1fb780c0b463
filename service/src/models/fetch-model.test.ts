import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  BUNDLE_FILES,
  type Bundle,
  canonicalJson,
  compileModel,
  loadBundle,
  modelInputs,
  readInputs,
  sha256Hex,
  writeBundle,
} from "@surety/engine";
import { parseModelId } from "@surety/protocol";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openBundleDirectory } from "../bundles/bundle-directory.ts";
import { serveApi } from "../http/serve-api.ts";
import { createLogger } from "../log/logger.ts";
import { createServiceMetrics } from "../metrics/service-metrics.ts";
import { type FetchModelParameters, fetchModel } from "./fetch-model.ts";
import { parseModelSource } from "./model-source.ts";
import { modelFiles } from "./publish.ts";

const MNIST = resolve(import.meta.dirname, "../../../fixtures/mnist");
const CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
const folder = mkdtempSync(join(tmpdir(), "surety-fetch-"));
const bundles = join(folder, "bundles");
const bundleDir = join(bundles, "digits");
const servers: Server[] = [];
let bundle: Bundle;

beforeAll(async () => {
  const model = new Uint8Array(readFileSync(join(MNIST, "mnist-8.onnx")));
  const images = readInputs(join(MNIST, "train-1000-images-idx3-ubyte.gz"), modelInputs(model));
  bundle = await compileModel({ model, calibration: images.slice(0, 8) });
  writeBundle(bundle, bundleDir);
}, 120_000);
afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function listen(handle: RequestListener): Promise<string> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((done) => server.once("listening", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a node serves. */
async function startNode(): Promise<string> {
  const api = await serveApi({
    ...{ title: "Test", host: "127.0.0.1", port: 0, log: createLogger("test", "silent") },
    registry: createServiceMetrics("surety_test").registry,
    readiness: async () => ({}),
    routes: {},
    files: [modelFiles(openBundleDirectory(bundles))],
  });
  onTestFinished(() => api.close());
  return api.url;
}

const newStore = () => mkdtempSync(join(folder, "store-"));

function fetchFrom(
  texts: readonly string[],
  more: Partial<FetchModelParameters> & { gateway?: string } = {},
) {
  const { gateway, ...parameters } = more;
  const sources = texts.map((text) => parseModelSource(text, gateway));
  return fetchModel({ modelId: bundle.modelId, store: newStore(), sources, ...parameters });
}

/** Serves the bundle's files below a path, one of them by a listener of its own. */
const serveFiles =
  (prefix: string, special: Readonly<Record<string, RequestListener>> = {}): RequestListener =>
  (request, response) => {
    const file = request.url?.startsWith(prefix) ? request.url.slice(prefix.length) : "";
    const own = special[file];
    if (own !== undefined) own(request, response);
    else if (BUNDLE_FILES.some((name) => name === file)) response.end(readFileSync(join(bundleDir, file)));
    else response.writeHead(404).end();
  };
const nodePath = () => `/models/${bundle.modelId}/`;

describe("fetchModel", () => {
  it("gets a model from a node, byte for byte, under its id; a second time nothing is asked", async () => {
    const store = newStore();
    const dir = await fetchFrom([await startNode()], { store });
    expect(dir).toBe(join(store, bundle.modelId));
    for (const file of BUNDLE_FILES) {
      expect(Buffer.compare(readFileSync(join(dir, file)), readFileSync(join(bundleDir, file)))).toBe(0);
    }
    expect(readdirSync(store)).toEqual([bundle.modelId]);
    expect(await fetchFrom([], { store })).toBe(dir);
  });

  it("gets it from a folder and from an IPFS gateway", async () => {
    const gateway = await listen(serveFiles(`/ipfs/${CID}/`));
    for (const [source, given] of [
      [pathToFileURL(bundleDir).href, {}],
      [`ipfs://${CID}`, { gateway }],
    ] as const) {
      expect(loadBundle(await fetchFrom([source], given)).modelId).toBe(bundle.modelId);
    }
  });

  it("takes the next source where one is wrong, away, redirecting, silent or too large, and says of each why", async () => {
    const flipped = readFileSync(join(bundleDir, "weights.bin"));
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    const corrupted = await listen(
      serveFiles(nodePath(), { "weights.bin": (_, to) => void to.end(flipped) }),
    );
    const elsewhere = await listen((request, to) => {
      to.writeHead(302, { location: `${corrupted}${request.url}` }).end();
    });
    const silent = await listen(
      serveFiles(nodePath(), { "model.onnx": (_, to) => void to.writeHead(200).write("a few bytes") }),
    );
    const endless = await listen(
      serveFiles(nodePath(), {
        "program.bin"(_, to) {
          const piece = Buffer.alloc(65_536);
          const more = () => {
            while (!to.destroyed && to.write(piece));
          };
          to.on("drain", more);
          more();
        },
      }),
    );
    const gone = await listen((_, to) => void to.writeHead(410).end());
    const misses: string[] = [];
    const dir = await fetchFrom(
      [corrupted, elsewhere, silent, endless, gone, join(folder, "none"), newStore(), bundles],
      {
        limits: { stallMs: 300, modelBytes: 4_000_000 },
        onMiss: (_, why) => misses.push(why),
      },
    );
    expect(loadBundle(dir).modelId).toBe(bundle.modelId);
    expect(misses).toEqual([
      expect.stringContaining("weights root"),
      expect.stringContaining("redirect"),
      "nothing came for 0.3 s",
      expect.stringContaining("more bytes than are allowed"),
      "the answer is 410",
      expect.stringContaining("cannot be read"),
      "it does not have it",
    ]);
  });

  it("leaves nothing behind where nobody has it, where it drips, and where it is another model than was asked for", async () => {
    const store = newStore();
    const drip = await listen(
      serveFiles(nodePath(), {
        "manifest.json"(_, to) {
          const timer = setInterval(() => to.write(" "), 50);
          to.once("close", () => clearInterval(timer));
        },
      }),
    );
    const other = parseModelId(`0x${"7".repeat(64)}`);
    const lying = await listen(serveFiles(`/models/${other}/`));
    const limits = { totalMs: 500 };
    await expect(fetchFrom([drip], { store, limits })).rejects.toMatchObject({ code: "MODEL_UNAVAILABLE" });
    await expect(fetchFrom([lying], { store, modelId: other })).rejects.toThrow(/it gave the model/);
    await expect(fetchFrom([], { store })).rejects.toThrow(/No --model-source/);
    expect(readdirSync(store)).toEqual([]);
  });

  it("takes no bundle whose graph is not its program, though every hash is right", async () => {
    // The golden vector and where a tensor stands in the graph are the manifest's word, under no hash of the chain.
    const manifest = structuredClone(bundle.manifest) as unknown as {
      instructions: { source: unknown }[];
      sha256: string;
    };
    const sources = manifest.instructions.filter(({ source }) => source !== null);
    const [first, last] = [sources[0], sources.at(-1)];
    if (first === undefined || last === undefined) throw new Error("no sources");
    [first.source, last.source] = [last.source, first.source];
    const lying = { ...manifest, sha256: sha256Hex(canonicalJson({ ...manifest, sha256: undefined })) };
    const source = await listen(
      serveFiles(nodePath(), { "manifest.json": (_, to) => void to.end(JSON.stringify(lying)) }),
    );
    await expect(fetchFrom([source])).rejects.toMatchObject({ code: "MODEL_UNAVAILABLE" });
  });

  it("keeps a model and the store below their sizes", async () => {
    const node = await startNode();
    await expect(fetchFrom([node], { limits: { modelBytes: 10_000 } })).rejects.toThrow(
      /more bytes than are allowed/,
    );
    const store = newStore();
    mkdirSync(join(store, "another"));
    writeFileSync(join(store, "another", "weights.bin"), Buffer.alloc(5_000));
    const limits = { storeBytes: 5_000 };
    await expect(fetchFrom([node], { store, limits })).rejects.toMatchObject({ code: "MODEL_STORE_FULL" });
    await expect(fetchFrom([node], { store, limits: { storeBytes: 15_000 } })).rejects.toThrow(
      /more bytes than are allowed/,
    );
  });

  it("removes after a day what a killed fetch left, and never takes it for a bundle", async () => {
    const store = newStore();
    const left = join(store, ".fetch-killed");
    cpSync(bundleDir, left, { recursive: true });
    await expect(fetchFrom([], { store })).rejects.toMatchObject({ code: "MODEL_UNAVAILABLE" });
    expect(existsSync(left)).toBe(true);
    utimesSync(left, 0, 0);
    await expect(fetchFrom([], { store })).rejects.toMatchObject({ code: "MODEL_UNAVAILABLE" });
    expect(existsSync(left)).toBe(false);
  });
});

describe("parseModelSource", () => {
  it.each(["ftp://host", "ipfs://", "ipfs://../x", "http:/x y", "data:text/plain,x"])(
    "refuses %s",
    (text) => {
      expect(() => parseModelSource(text, "http://gateway")).toThrow(
        expect.objectContaining({ code: "OPTION_INVALID" }),
      );
    },
  );

  it("refuses IPFS without a gateway, and names no path or credentials of a URL", () => {
    expect(() => parseModelSource(`ipfs://${CID}`, undefined)).toThrow(/--ipfs-gateway/);
    expect(parseModelSource("https://user:secret@host:1/key", undefined).name).toBe("host:1");
  });
});

describe("modelFiles", () => {
  it("gives the files of bundles and nothing else", async () => {
    const node = await startNode();
    const status = async (path: string, method = "GET") => (await fetch(`${node}${path}`, { method })).status;
    expect(await status(`${nodePath()}manifest.json`)).toBe(200);
    expect(await status(`${nodePath()}manifest.json`, "PUT")).toBe(404);
    for (const path of [
      "/models/0x12/manifest.json",
      `${nodePath()}..%2f..%2fsecret`,
      `${nodePath()}secret`,
    ]) {
      expect(await status(path), path).toBe(400);
    }
    expect(await status(`/models/0x${"7".repeat(64)}/manifest.json`)).toBe(404);
  });
});
