export * from "./check.ts";
export * from "./decode.ts";
export * from "./encode.ts";
export * from "./instruction.ts";
export * from "./program-file.ts";
export { STEP_BUDGET, type StepCost, type WorstStep, worstStep, worstStepCost } from "./step-cost.ts";
export * from "./tensor-size.ts";
export * from "./validate.ts";
