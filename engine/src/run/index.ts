export * from "./bundle.ts";
export { requireGraphMatches } from "./checkGraph.ts";
export * from "./evaluateProgram.ts";
export { requireGolden, withGolden } from "./golden.ts";
export { portableForm } from "./kernelForms.ts";
export { requireKernels, wrongKernels } from "./knownAnswers.ts";
export {
  type Accuracy,
  canonicalJson,
  type Golden,
  type Manifest,
  sha256Hex,
  type TensorSpec,
} from "./manifest.ts";
export { createSession, ONNXRUNTIME_VERSION, runSession } from "./onnxruntime.ts";
export * from "./session.ts";
export type { VettingLimits } from "./vetting/inChild.ts";
export { residentBytes } from "./vetting/residentBytes.ts";
export { vetBundle, vetModel, vetReport } from "./vetting/vetModel.ts";
