import { parentPort, workerData } from "node:worker_threads";
import { hashSubtreesOf, type SharedSlab } from "./shared-slab.ts";

/** Helps with each slab that the thread which started it puts into their shared memory. */
const slab = workerData as SharedSlab;
parentPort?.on("message", (job) => hashSubtreesOf(slab, job));
