#!/usr/bin/env node
import { runChallenger } from "../service/run-challenger.ts";

await runChallenger();
