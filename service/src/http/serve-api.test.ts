import { afterEach, describe, expect, it } from "vitest";
import { createLogger } from "../log/logger.ts";
import { createServiceMetrics } from "../metrics/service-metrics.ts";
import { type Api, serveApi } from "./serve-api.ts";

let apis: Api[] = [];
afterEach(async () => {
  for (const api of apis) await api.close();
  apis = [];
});

async function serve(checks: Record<string, boolean> = {}, port = 0): Promise<Api> {
  const metrics = createServiceMetrics("surety_test");
  const api = await serveApi({
    host: "127.0.0.1",
    port,
    log: createLogger("test", "silent"),
    registry: metrics.registry,
    readiness: async () => checks,
    refreshMetrics: async () => metrics.headBlock.set(7),
    routes: { "/v1/thing": () => ({ thing: 1 }) },
  });
  apis.push(api);
  return api;
}

async function get(api: Api, path: string) {
  const response = await fetch(`${api.url}${path}`);
  return { status: response.status, text: await response.text() };
}

describe("serveApi", () => {
  it("serves health, fresh metrics and the service's own routes", async () => {
    const api = await serve({ chain: true });
    expect((await get(api, "/health/live")).status).toBe(200);
    const ready = await get(api, "/health/ready");
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.text)).toEqual({ status: "ready", ready: true, checks: { chain: true } });
    expect((await get(api, "/metrics")).text).toContain("surety_test_head_block 7");
    expect((await get(api, "/v1/thing")).text).toBe('{"thing":1}');
  });

  it("is not ready when a check fails, and says which", async () => {
    const { status, text } = await get(await serve({ chain: false, store: true }), "/health/ready");
    expect(status).toBe(503);
    expect(JSON.parse(text)).toEqual({
      status: "not ready",
      ready: false,
      why: "not in order: chain",
      checks: { chain: false, store: true },
    });
  });

  it("refuses a port in use", async () => {
    const { url } = await serve();
    await expect(serve({}, Number(new URL(url).port))).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});
