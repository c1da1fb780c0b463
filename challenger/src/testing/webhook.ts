import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A webhook that takes everything. */
export async function startWebhook() {
  const events: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      events.push((JSON.parse(body) as { event: string }).event);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Names of what was told, in order. */
    events,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
