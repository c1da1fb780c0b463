import type { ModelHeader, ModelId } from "@surety/protocol";
import { createInFlight } from "../jobs/in-flight.ts";
import type { InputReference } from "../store/requests.ts";
import { type InputSources, obtainInput } from "./obtain-input.ts";

export interface InputFinderParameters {
  readonly sources: InputSources;
  /** What the store waits for. */
  readonly references: () => readonly InputReference[];
  readonly models: {
    find(modelId: ModelId): { readonly header: Pick<ModelHeader, "inputBytes"> } | undefined;
  };
  readonly onFound: (reference: InputReference, input: Uint8Array) => void;
  readonly onError: (where: string, error: unknown) => void;
}

/** Inputs looked for at a time. */
const SEARCHES = 4;

/**
 * Looks in the background for the inputs of requests by reference, of models that are at hand. What is not found is looked for again.
 */
export function createInputFinder(parameters: InputFinderParameters) {
  const { sources, references, models, onFound, onError } = parameters;
  const searches = createInFlight(SEARCHES);
  return {
    tick(): void {
      for (const reference of references()) {
        const model = models.find(reference.modelId);
        if (model === undefined) continue;
        const where = `input of request ${reference.requestId}`;
        searches.start(
          `${reference.requestId} ${reference.inputRoot}`,
          async () => onFound(reference, await obtainInput(reference, model.header.inputBytes, sources)),
          (error) => onError(where, error),
        );
      }
    },
    drained: searches.drained,
  };
}
