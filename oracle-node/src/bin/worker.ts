#!/usr/bin/env node
import { runWorker } from "../worker/run-worker.ts";

await runWorker();
