export * from "./bundle.ts";
export { type Accuracy, canonicalJson, type Manifest, type TensorSpec } from "./manifest.ts";
export { ONNXRUNTIME_VERSION } from "./onnxruntime.ts";
export * from "./session.ts";
