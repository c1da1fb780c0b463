import { evaluateRun } from "@surety/challenger/dispute";
import { type Bundle, CommittedTrace, splitInput } from "@surety/engine";
import { playToEnd } from "./play-to-end.ts";
import { type Simulation, totalsOf } from "./result.ts";
import { openScene } from "./scene.ts";
import { type Tamper, tamperedTrace } from "./tamper.ts";

/** One request on a chain in this process, and its honest run, against which any number of lies are played one after the other. */
export interface DisputeSimulator {
  /**
   * Plays one whole dispute; what it did to the chain is taken back.
   *
   * @throws UsageError TAMPER_INVALID; FatalError SIMULATION_STUCK
   */
  play(tamper: Tamper): Promise<Simulation>;
  close(): Promise<void>;
}

/**
 * Runs a model once, by its program alone as a challenger does in a dispute, and asks for that run on a new chain.
 *
 * @param input A request's input: all inputs' bytes, concatenated.
 * @example
 * const simulator = await openSimulator(bundle, input);
 * const { winner } = await simulator.play({ layer: 2, element: 40 });
 * await simulator.close();
 *
 * @throws UsageError INPUT_LENGTH; FatalError TRACE_FILE, SIMULATION_STUCK
 */
export async function openSimulator(bundle: Bundle, input: Uint8Array): Promise<DisputeSimulator> {
  const inputs = splitInput(bundle.header.inputBytes, input);
  const own = evaluateRun(bundle, input);
  const scene = await openScene({ bundle, input }).catch((error: unknown) => {
    own.trace.close();
    throw error;
  });
  return {
    async play(tamper) {
      const lie = tamperedTrace(bundle, inputs, own.trace, tamper);
      const posted = new CommittedTrace(lie.trace);
      const lyingChallenger = tamper === "none";
      try {
        const { transcript, ...outcome } = await scene.evm.undoing(() =>
          playToEnd({ scene, bundle, own, posted, lyingChallenger }),
        );
        return { ...outcome, masked: lie.masked, ...totalsOf(transcript) };
      } finally {
        posted.close();
      }
    },
    async close() {
      own.trace.close();
      await scene.evm.close();
    },
  };
}
