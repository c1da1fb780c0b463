// Runs models on the CPU it is started on and prints a hash of what each gives. Plain JavaScript: an emulated Node runs without its compilers,
// and so can neither strip types nor run WebAssembly.
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { InferenceSession, Tensor } = require("onnxruntime-node");

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

async function run(directory, { model, options, feeds }) {
  const session = await InferenceSession.create(path.join(directory, model), options);
  const tensors = {};
  for (const { name, type, dims, file } of feeds) {
    const { buffer } = new Uint8Array(readFileSync(path.join(directory, file)));
    tensors[name] = new Tensor(type, new ARRAYS[type](buffer), dims);
  }
  const results = await session.run(tensors);
  const hash = createHash("sha256");
  for (const name of session.outputNames) {
    const { data } = results[name];
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await session.release();
  return hash.digest("hex");
}

async function main([directory]) {
  const jobs = JSON.parse(readFileSync(path.join(directory, "jobs.json"), "utf8"));
  for (const job of jobs) {
    const answer = await run(directory, job).catch((error) => `failed: ${error.message}`);
    process.stdout.write(`${JSON.stringify({ name: job.name, answer })}\n`);
  }
}

main(process.argv.slice(2));
