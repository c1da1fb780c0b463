#!/usr/bin/env node
import { runOracleNode } from "./run-oracle-node.ts";

await runOracleNode();
