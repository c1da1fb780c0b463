import type { ModelReport } from "../../compile/checkModel.ts";
import type { ImportOptions } from "../../onnx/import.ts";

/** What the child process is asked to do, and then it ends. */
export type VettingTask =
  /** Import the file, fold its constants, open it as the compiler will and run it once on zeros. */
  | { readonly kind: "load"; readonly model: Uint8Array; readonly options: ImportOptions }
  /** `checkModel`. */
  | { readonly kind: "report"; readonly model: Uint8Array; readonly options: ImportOptions }
  /** `loadBundle` and `requireGraphMatches`. */
  | { readonly kind: "bundle"; readonly directory: string };

export interface VettingResults {
  readonly load: undefined;
  readonly report: ModelReport;
  readonly bundle: undefined;
}

/** What comes back. An error travels as its code and text. */
export type VettingReply =
  | { readonly ok: true; readonly value: VettingResults[VettingTask["kind"]] }
  | { readonly ok: false; readonly code: string; readonly message: string };
