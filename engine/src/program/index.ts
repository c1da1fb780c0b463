export * from "./check.ts";
export * from "./decode.ts";
export * from "./encode.ts";
export * from "./instruction.ts";
export * from "./program-file.ts";
export { type StepCost, worstStepCost } from "./step-cost.ts";
export * from "./tensor-size.ts";
export * from "./validate.ts";
