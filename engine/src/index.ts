export * from "./commit/index.ts";
export { argMax, cosine } from "./compile/accuracy.ts";
export { checkModel, type ModelReport, type NodeReport } from "./compile/checkModel.ts";
export {
  type CompileModelParameters,
  type CompileProgress,
  compileModel,
  modelInputs,
} from "./compile/compileModel.ts";
export { type LayerReport, layerReport } from "./compile/layerReport.ts";
export * from "./inputs/readInputs.ts";
export * from "./onnx/index.ts";
export * from "./program/index.ts";
export * from "./referee/index.ts";
export * from "./run/index.ts";
