import { afterEach, describe, expect, it } from "vitest";
import { createLogger } from "../log/logger.ts";
import { createServiceMetrics } from "../metrics/service-metrics.ts";
import { type Api, serveApi } from "./serve-api.ts";

let apis: Api[] = [];
afterEach(async () => {
  for (const api of apis) await api.close();
  apis = [];
});

const THING = { type: "object", properties: { thing: { type: "integer" } } };
const TOKEN = "a token of some length";
let thing = 1;

interface Given {
  readonly checks?: Record<string, boolean>;
  readonly port?: number;
  readonly token?: string;
  readonly requestsPerMinute?: number;
}

async function serve({ checks = {}, port = 0, token, requestsPerMinute }: Given = {}): Promise<Api> {
  thing = 1;
  const metrics = createServiceMetrics("surety_test");
  const api = await serveApi({
    title: "Test",
    host: "127.0.0.1",
    ...{ port, token, requestsPerMinute },
    log: createLogger("test", "silent"),
    registry: metrics.registry,
    readiness: async () => checks,
    refreshMetrics: async () => metrics.headBlock.set(7),
    routes: {
      "/v1/thing": [
        { summary: "Reads.", response: THING, read: () => ({ thing, secret: 1 }) },
        {
          method: "POST",
          summary: "Changes.",
          request: {
            type: "object",
            properties: { to: { type: "integer" } },
            required: ["to"],
            additionalProperties: false,
          },
          response: THING,
          act({ to }) {
            thing = Number(to);
            return { thing };
          },
        },
      ],
    },
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
    const api = await serve({ checks: { chain: true } });
    expect((await get(api, "/health/live")).status).toBe(200);
    const ready = await get(api, "/health/ready");
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.text)).toEqual({ status: "ready", ready: true, checks: { chain: true } });
    expect((await get(api, "/metrics")).text).toContain("surety_test_head_block 7");
    expect((await get(api, "/metrics")).text).toContain('surety_ready{check="chain"} 1');
    expect((await get(api, "/v1/thing")).text).toBe('{"thing":1}');
  });

  it("is not ready when a check fails, and says which", async () => {
    const { status, text } = await get(
      await serve({ checks: { chain: false, store: true } }),
      "/health/ready",
    );
    expect(status).toBe(503);
    expect(JSON.parse(text)).toEqual({
      status: "not ready",
      ready: false,
      why: "not in order: chain",
      checks: { chain: false, store: true },
    });
  });

  const post = async (api: Api, headers: Record<string, string>, body: string) => {
    const response = await fetch(`${api.url}/v1/thing`, {
      ...{ method: "POST", body },
      headers: { "content-type": "application/json", ...headers },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it("lets only holders of the token change something, and nobody where there is none", async () => {
    const api = await serve({ token: TOKEN });
    expect((await post(api, bearer(TOKEN), '{"to":5}')).body).toEqual({ thing: 5 });
    for (const headers of [{}, bearer("another token of length"), { authorization: TOKEN }]) {
      const refused = await post(api, headers, '{"to":6}');
      expect(refused).toMatchObject({ status: 401, body: { error: "TOKEN_REQUIRED" } });
    }
    expect((await get(api, "/v1/thing")).text).toBe('{"thing":5}');
    expect(await post(await serve(), bearer(TOKEN), '{"to":6}')).toMatchObject({ status: 403 });
  });

  it("checks what it is sent, and says what does not fit", async () => {
    const api = await serve({ token: TOKEN });
    for (const body of ["{", "{}", '{"to":"x"}', `{"to":1,"x":"${"y".repeat(20_000)}"}`]) {
      const refused = await post(api, bearer(TOKEN), body);
      expect([400, 413]).toContain(refused.status);
      expect(refused.body.message).toBeTypeOf("string");
    }
    expect(thing).toBe(1);
    expect((await get(api, "/v1/none")).status).toBe(404);
  });

  it("describes itself, secrets excepted, and carries a request's id through", async () => {
    const api = await serve({ token: TOKEN });
    const { paths, info } = JSON.parse((await get(api, "/openapi.json")).text);
    expect(info.title).toBe("Test");
    expect(Object.keys(paths)).toEqual(["/health/live", "/health/ready", "/metrics", "/v1/thing"]);
    expect(paths["/v1/thing"].post).toMatchObject({
      security: [{ token: [] }],
      requestBody: expect.anything(),
    });
    const page = await fetch(`${api.url}/docs`);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).toContain("<h2>POST /v1/thing</h2><p>Changes. <strong>With the token.</strong></p>");
    expect(html).not.toContain("<script");
    const followed = await fetch(`${api.url}/v1/thing`, { headers: { "x-request-id": "abc" } });
    expect(followed.headers.get("x-request-id")).toBe("abc");
  });

  it("turns away who asks too often, but never a probe or a scrape", async () => {
    const api = await serve({ requestsPerMinute: 3 });
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await get(api, "/v1/thing")).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    for (let i = 0; i < 5; i++) expect((await get(api, "/health/live")).status).toBe(200);
    expect((await get(api, "/metrics")).status).toBe(200);
  });

  it("refuses a port in use", async () => {
    const { url } = await serve();
    await expect(serve({ port: Number(new URL(url).port) })).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});
