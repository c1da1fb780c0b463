import { writeFileSync } from "node:fs";
import { answerHash, runVector } from "../engine/src/run/knownAnswers.ts";
import { KERNEL_VECTORS } from "../engine/src/run/vectors/index.ts";

/**
 * Writes engine/src/run/vectors/answers.json: what every known-answer vector gives, by plain arithmetic where the vector has it, else (what only
 * moves numbers) by onnxruntime here. `npm run test:cpus` compares it with every kind of CPU.
 */
const answers: Record<string, string> = {};
for (const vector of KERNEL_VECTORS) {
  const expected = vector.make().expected?.();
  answers[vector.name] = expected
    ? answerHash(
        expected.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
      )
    : await runVector(vector);
}
const path = new URL("../engine/src/run/vectors/answers.json", import.meta.url);
writeFileSync(path, `${JSON.stringify(answers, null, 2)}\n`);
