#!/usr/bin/env node
// The npm package solc is JavaScript; forge calls a program. This is that program.
import { readFileSync } from "node:fs";
import solc from "solc";

if (process.argv.includes("--standard-json")) process.stdout.write(solc.compile(readFileSync(0, "utf8")));
else console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
