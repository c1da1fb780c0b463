import { parentPort, workerData } from "node:worker_threads";
import { type SharedSlab, TAKEN } from "../commit/batch/shared-slab.ts";

/** A hash worker that takes a subtree and never hashes it. */
const { counts } = workerData as SharedSlab;
Atomics.add(counts, TAKEN, 1);
parentPort?.once("message", () => {});
