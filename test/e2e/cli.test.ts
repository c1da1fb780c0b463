import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ModelBuilder } from "@surety/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const MNIST = path.join(ROOT, "fixtures/mnist");
const MODEL = path.join(MNIST, "mnist-8.onnx");
const TRAINING = path.join(MNIST, "train-1000-images-idx3-ubyte.gz");
const DIGIT = path.join(MNIST, "test_data_set_0/input_0.pb");

const scratch = mkdtempSync(path.join(tmpdir(), "surety-cli-"));
const bundle = path.join(scratch, "digits");
const inScratch = (name: string) => path.join(scratch, name);

/** Runs the command as a shell would. */
function surety(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(ROOT, "cli/bin/surety.js"), ...args],
    {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    },
  );
  return { status, stdout, stderr, json: () => JSON.parse(stdout) };
}

/** Fails with one line on standard error that carries the code. */
function expectRefusal(result: ReturnType<typeof surety>, status: 1 | 2, code: string, says: RegExp): void {
  expect(result.stderr).toMatch(new RegExp(`^error\\[${code}\\]: .*\\n$`));
  expect(result.stderr).toMatch(says);
  expect(result.status).toBe(status);
}

beforeAll(() => {
  const compiled = surety("model", "compile", MODEL, "--calibrate", TRAINING, "--out", bundle, "--json");
  expect(compiled.stderr).toBe("");
  expect(compiled.json().accuracy.top1Agreement).toBeGreaterThan(0.99);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("surety model", () => {
  it("check lists every op and exits with 0 when all fit", () => {
    const { status, json } = surety("model", "check", MODEL, "--json");
    expect(status).toBe(0);
    expect(json().fits).toBe(true);
    expect(json().nodes.map(({ op }: { op: string }) => op)).toContain("Conv");
  });

  it("check exits with 1 and names the op and its node when one does not fit", () => {
    writeFileSync(inScratch("unsupported.onnx"), unsupportedModel());
    const { status, json } = surety("model", "check", inScratch("unsupported.onnx"), "--json");
    expect(status).toBe(1);
    expect(json()).toMatchObject({
      fits: false,
      nodes: [{ op: "RandomNormalLike", node: "mix", fits: false }],
    });
  });

  it("compile is deterministic", () => {
    const again = inScratch("again");
    expect(surety("model", "compile", MODEL, "--calibrate", TRAINING, "--out", again).status).toBe(0);
    for (const file of ["manifest.json", "model.onnx", "program.bin", "weights.bin"]) {
      expect(readFileSync(path.join(again, file)).equals(readFileSync(path.join(bundle, file))), file).toBe(
        true,
      );
    }
  });

  it("compile refuses an unsupported op by name and node", () => {
    writeFileSync(inScratch("unsupported.onnx"), unsupportedModel());
    writeFileSync(inScratch("x.json"), JSON.stringify({ x: { dtype: "float32", shape: [2], data: [1, 2] } }));
    const result = surety(
      "model",
      "compile",
      inScratch("unsupported.onnx"),
      "--calibrate",
      inScratch("x.json"),
      "--out",
      inScratch("no"),
    );
    expectRefusal(result, 1, "MODEL_UNSUPPORTED", /RandomNormalLike.*mix/);
  });

  it("compile refuses a truncated file", () => {
    writeFileSync(inScratch("half.onnx"), readFileSync(MODEL).subarray(0, 12_000));
    const result = surety(
      "model",
      "compile",
      inScratch("half.onnx"),
      "--calibrate",
      TRAINING,
      "--out",
      inScratch("no"),
    );
    expectRefusal(result, 1, "ONNX_MALFORMED", /half\.onnx|truncated|ONNX/);
  });

  it("compile refuses a missing calibration set", () => {
    const result = surety(
      "model",
      "compile",
      MODEL,
      "--calibrate",
      inScratch("nothing"),
      "--out",
      inScratch("no"),
    );
    expectRefusal(result, 2, "INPUT_MISSING", /nothing/);
  });

  it("run prints name, dtype, shape and data of every output", () => {
    const { status, json } = surety("model", "run", bundle, "--input", DIGIT);
    expect(status).toBe(0);
    const [output] = json();
    expect(output).toMatchObject({ name: "Plus214_Output_0", dtype: "float32", shape: [1, 10] });
    const best = output.data.indexOf(Math.max(...output.data));
    expect(best).toBe(readExpectedDigit());
  });

  it("run reads JSON, and prints one line a sample of an idx file", () => {
    const zeros = { Input3: { dtype: "float32", shape: [1, 1, 28, 28], data: new Array(784).fill(0) } };
    writeFileSync(inScratch("zeros.json"), JSON.stringify(zeros));
    expect(surety("model", "run", bundle, "--input", inScratch("zeros.json")).status).toBe(0);
    const lines = surety("model", "run", bundle, "--input", TRAINING).stdout.trim().split("\n");
    expect(lines.length).toBe(1_000);
  });

  it("run refuses a wrong shape and a wrong dtype", () => {
    const write = (dtype: string, shape: number[]) => {
      const data = new Array(shape.reduce((a, b) => a * b, 1)).fill(0);
      writeFileSync(inScratch("wrong.json"), JSON.stringify({ Input3: { dtype, shape, data } }));
      return surety("model", "run", bundle, "--input", inScratch("wrong.json"));
    };
    expectRefusal(write("float32", [1, 1, 27, 28]), 2, "INPUT_SHAPE", /27,28.*28,28/);
    expectRefusal(write("int8", [1, 1, 28, 28]), 2, "INPUT_DTYPE", /i(nt)?8/);
  });

  it("run refuses a bundle with one changed byte, whichever file it is in", () => {
    for (const file of ["weights.bin", "model.onnx", "program.bin", "manifest.json"]) {
      const changed = inScratch(`changed-${file}`);
      cpSync(bundle, changed, { recursive: true });
      const bytes = readFileSync(path.join(changed, file));
      const middle = bytes.length >> 1;
      bytes[middle] = (bytes[middle] as number) ^ 1;
      writeFileSync(path.join(changed, file), bytes);
      const result = surety("model", "run", changed, "--input", DIGIT);
      expect(result.status, `${file}: ${result.stderr}`).toBe(1);
      expect(result.stderr).toMatch(/^error\[BUNDLE_CHANGED\]: .*\n$/);
      expect(result.stdout).toBe("");
    }
  });
});

describe("surety simulate", () => {
  it("prints who won, where, and what it cost", () => {
    const { status, json } = surety(
      "simulate",
      bundle,
      "--input",
      DIGIT,
      "--tamper",
      "layer=3,element=77",
      "--json",
    );
    expect(status).toBe(0);
    const result = json();
    expect(result).toMatchObject({ winner: "challenger", layer: 3, element: 77 });
    const { open, commit, reveal, select, step, total } = result.gas;
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    expect(open + commit + sum(reveal) + sum(select) + step).toBe(total);
    expect(result.moves).toBe(result.transactions);
    expect(result.maxCalldataBytes).toBeGreaterThan(0);
    expect(total).toBeLessThanOrEqual(2_500_000);
  });

  it("lets an honest poster win", () => {
    const { status, json } = surety("simulate", bundle, "--input", DIGIT, "--tamper", "none", "--json");
    expect(status).toBe(0);
    expect(json().winner).toBe("poster");
  });

  it("refuses a tamper that is none and one outside the model", () => {
    const tamper = (what: string) => surety("simulate", bundle, "--input", DIGIT, "--tamper", what);
    expectRefusal(tamper("everything"), 2, "TAMPER_INVALID", /layer=I,element=J/);
    expect(tamper("layer=99,element=0").status).toBe(2);
    expect(tamper("layer=5,element=10").status).toBe(2);
  });
});

describe("surety", () => {
  it("exits with 2 for wrong use and with 0 for help", () => {
    expect(surety("model", "compile").status).toBe(2);
    expect(surety("no-such-command").status).toBe(2);
    expect(surety("--help").status).toBe(0);
  });

  it("ends quietly when its reader has seen enough", () => {
    const command = `"${process.execPath}" "${path.join(ROOT, "cli/bin/surety.js")}" model run "${bundle}" --input "${TRAINING}" | head -n 1`;
    const { stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n").length).toBe(1);
  });

  it("prints errors as JSON on request", () => {
    const { status, json } = surety("model", "check", inScratch("none.onnx"), "--json");
    expect(status).toBe(2);
    expect(json().error.code).toBe("MODEL_MISSING");
  });
});

/** A sound model with an op that the profile does not have. */
function unsupportedModel(): Uint8Array {
  const builder = new ModelBuilder(13);
  builder.input("x", "f32", [2]);
  builder.node("RandomNormalLike", ["x"], ["y"], {}, "mix");
  builder.output("y", "f32", [2]);
  return builder.encode();
}

/** The digit of the zoo's first test image, by the zoo's own output: ten f32 behind a TensorProto's header. */
function readExpectedDigit(): number {
  const bytes = readFileSync(path.join(MNIST, "test_data_set_0/output_0.pb"));
  const scores = new Float32Array(new Uint8Array(bytes.subarray(bytes.length - 40)).buffer);
  return scores.indexOf(Math.max(...scores));
}
