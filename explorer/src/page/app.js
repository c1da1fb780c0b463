import { Disputes } from "./dispute.js";
import { Draw } from "./draw.js";
import { Models } from "./models.js";
import { html, render, useEffect, useState } from "./preact.js";
import { Operators, Requests } from "./requests.js";

/** Keeps up with the chain: reads the network anew whenever the server says that it changed. */
function useNetwork() {
  const [network, setNetwork] = useState();
  const [problem, setProblem] = useState();
  useEffect(() => {
    let reading = false;
    let again = false;
    const read = async () => {
      if (reading) {
        again = true;
        return;
      }
      reading = true;
      try {
        const response = await fetch("/api/network");
        if (!response.ok) throw new Error(`the server answered ${response.status}`);
        setNetwork({ ...(await response.json()), readAtMs: Date.now() });
        setProblem(undefined);
      } catch (error) {
        setProblem(`The explorer's server cannot be read (${error.message}); trying again.`);
      } finally {
        reading = false;
        if (again) {
          again = false;
          read();
        }
      }
    };
    const changes = new EventSource("/api/changes");
    changes.onmessage = read;
    changes.onerror = () => setProblem("The connection to the explorer's server is lost; trying again.");
    return () => changes.close();
  }, []);
  return { network, problem };
}

/** The chain's time now: that of its newest block, and the seconds since. */
function useChainTime(network) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((number) => number + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return network ? network.head.time + (Date.now() - network.readAtMs) / 1000 : 0;
}

function App() {
  const { network, problem } = useNetwork();
  const now = useChainTime(network);
  return html`
    <header>
      <h1>Surety</h1>
      ${network && html`<p>chain ${network.chainId}, block ${network.head.block}</p>`}
    </header>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <main id="main">
      ${
        network
          ? html`
              ${network.canAsk && html`<section aria-labelledby="ask"><h2 id="ask">Ask</h2><${Draw} /></section>`}
              <section aria-labelledby="requests"><h2 id="requests">Requests</h2><${Requests} network=${network} now=${now} /></section>
              <section aria-labelledby="disputes"><h2 id="disputes">Disputes</h2><${Disputes} network=${network} now=${now} /></section>
              <section aria-labelledby="operators"><h2 id="operators">Operators</h2><${Operators} network=${network} /></section>
              <section aria-labelledby="models"><h2 id="models">Models</h2><${Models} models=${network.models} /></section>
            `
          : html`<p class="wait">Reading the chain…</p>`
      }
    </main>
  `;
}

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
