import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { joinedRoot } from "@surety/engine";
import { parseModelId, parseRequestId } from "@surety/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { INPUT_SCHEMES, obtainInput } from "./obtain-input.ts";

const SIZES = [300, 500];
const input = Uint8Array.from({ length: 800 }, (_, i) => (i * 7) & 0xff);
const inputRoot = joinedRoot(SIZES, input);
const folder = join(tmpdir(), `surety-inputs-${process.pid}`);
const none = join(folder, "none");
const bodies: Record<string, Uint8Array> = {
  "/right": input,
  "/short": input.subarray(1),
  "/long": Buffer.concat([input, Buffer.alloc(1)]),
  "/wrong": input.map((byte) => byte ^ 1),
};
let server: Server;
let base: string;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  server = createServer((request, response) => {
    const body = bodies[request.url ?? ""];
    if (request.url === "/elsewhere") response.writeHead(302, { location: "/right" });
    else if (body === undefined) response.writeHead(404);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  server.close();
});

const obtain = (
  uri: string,
  from = none,
  schemes: Parameters<typeof obtainInput>[2]["schemes"] = INPUT_SCHEMES,
) =>
  obtainInput({ requestId: parseRequestId(1), modelId: parseModelId(inputRoot), inputRoot, uri }, SIZES, {
    folder: from,
    schemes,
  });

describe("obtainInput", () => {
  it("takes a file of the folder that is named by the root", async () => {
    writeFileSync(join(folder, inputRoot), input);
    expect(Buffer.compare(await obtain("", folder, []), input)).toBe(0);
  });

  it("follows http and file addresses where they are allowed", async () => {
    expect(Buffer.compare(await obtain(`${base}/right`), input)).toBe(0);
    expect(Buffer.compare(await obtain(pathToFileURL(join(folder, inputRoot)).href), input)).toBe(0);
  });

  it("follows none that is not allowed", async () => {
    const right = `${base}/right`;
    for (const [uri, schemes] of [
      [right, []],
      [right, ["https", "file"]],
      [pathToFileURL(join(folder, inputRoot)).href, ["http", "https"]],
      ["ftp://127.0.0.1/right", INPUT_SCHEMES],
    ] as const)
      await expect(obtain(uri, none, schemes)).rejects.toMatchObject({ code: "INPUT_UNAVAILABLE" });
  });

  it("refuses another length, a redirection, an error, a device, and bytes of another root", async () => {
    for (const path of ["/short", "/long", "/elsewhere", "/missing"])
      await expect(obtain(`${base}${path}`), path).rejects.toMatchObject({ code: "INPUT_UNAVAILABLE" });
    await expect(obtain("file:///dev/zero")).rejects.toMatchObject({ code: "INPUT_UNAVAILABLE" });
    await expect(obtain(`${base}/wrong`)).rejects.toMatchObject({ code: "INPUT_NOT_ITS_ROOT" });
  });
});
