/** The ONNX opset that source graphs are brought to before they are lowered, and that exact graphs are written in. */
export const CANONICAL_OPSET = 21;
