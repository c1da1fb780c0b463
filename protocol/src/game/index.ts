export * from "./constants.ts";
export * from "./game-view.ts";
export * from "./heights.ts";
export * from "./place.ts";
export * from "./transitions.ts";
