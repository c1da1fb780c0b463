#!/usr/bin/env node
import { runService } from "@surety/service";
import { readOptions, USAGE } from "../options/read-options.ts";
import { startOracleNode } from "./start-oracle-node.ts";

await runService({ usage: USAGE, readOptions, start: startOracleNode });
