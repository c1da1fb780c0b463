#!/usr/bin/env node
import { runService } from "@surety/service";
import { readOptions, USAGE } from "../options/read-options.ts";
import { startChallenger } from "../service/start-challenger.ts";

await runService({ usage: USAGE, readOptions, start: startChallenger });
