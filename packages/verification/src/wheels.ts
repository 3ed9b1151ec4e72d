/** R1: the wheel of each platform, installed into a clean environment, in Pythons from the oldest to the newest. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetched } from './cache.js';
import type { Check, Row } from './check.js';
import { arm64PythonFromDebian, pythonFromDebian } from './debian.js';
import { withEmulatedArm64 } from './runtimes.js';
import { buildWheel, workspace } from './rust.js';

const PIP = '26.3';
const NEWEST = 'python3.15';
/** What pip may install for arm64. */
const ARM64_TAGS = ['manylinux_2_28_aarch64', 'manylinux_2_27_aarch64', 'manylinux2014_aarch64'];
const PYTEST = 'pytest==9.2.0';
const DEBIAN_ONLY = 'the newest Python is taken from Debian on x64, which this machine is not';
/** How often an interpreter ends while its threads read. */
const ENDINGS = 200;
/** Fewer for an emulator. */
const ENDINGS_EMULATED = 10;
const TESTS = ['reading', 'look', 'life', 'waiting', 'stream', 'conformance'];

interface Interpreter {
  readonly platform: 'linux-x64-gnu' | 'linux-arm64-gnu';
  readonly name: string;
  /** Installs a wheel, pytest and what they need into a folder. Returns the command that runs Python there. */
  readonly install: (folder: string, wheel: string) => readonly [string, ...string[]];
  readonly tests: readonly string[];
  readonly endings: number;
  /** Left out with little time. */
  readonly isSlow?: boolean;
}

const interpreters: readonly Interpreter[] = [
  {
    ...{ platform: 'linux-x64-gnu', name: "this machine's", tests: TESTS, endings: ENDINGS },
    install: (folder, wheel) => installIntoEnvironment('python3', folder, wheel),
  },
  {
    ...{ platform: 'linux-x64-gnu', name: 'the newest', tests: TESTS, endings: ENDINGS },
    install: (folder, wheel) => installIntoEnvironment(pythonFromDebian(NEWEST, DEBIAN_ONLY), folder, wheel),
  },
  {
    ...{ platform: 'linux-arm64-gnu', name: 'the newest, emulated', tests: TESTS, endings: ENDINGS_EMULATED },
    isSlow: true,
    install: (folder, wheel) => {
      const root = arm64PythonFromDebian(NEWEST, DEBIAN_ONLY);
      installForAnotherMachine(folder, wheel, NEWEST.replace('python', ''), ARM64_TAGS);
      return [...withEmulatedArm64(root), 'env', `PYTHONPATH=${folder}`, join(root, 'usr/bin', NEWEST)];
    },
  },
];

/** Built, and refused where they need what a platform does not have; no such Python is at hand to run them in. */
const ONLY_BUILT = ['linux-x64-musl', 'linux-arm64-musl'] as const;

export const wheels: Check = {
  summary:
    'the wheel of each platform, in CPython from the oldest to the newest; --seconds: only those that are run',
  run({ seconds, only = '' }) {
    const isShort = seconds !== undefined;
    const rows: Row[] = [];
    const failures: string[] = [];
    const built = new Map<string, string>();
    for (const interpreter of interpreters) {
      const { platform, name, isSlow = false } = interpreter;
      if ((isShort && isSlow) || !`${platform}, ${name}`.includes(only)) continue;
      const wheel = built.get(platform) ?? buildWheel(platform);
      built.set(platform, wheel);
      const { version, passed, output } = runTests(interpreter, wheel);
      rows.push({ platform, python: name, version, passed });
      if (passed === 0) failures.push(`${platform}, ${name}: ${output}`);
    }
    for (const platform of isShort ? [] : ONLY_BUILT.filter((one) => one.includes(only))) {
      buildWheel(platform);
      rows.push({ platform, python: 'none', version: 'built, not run', passed: 0 });
    }
    return Promise.resolve({ rows, failures });
  },
};

/** A Python whose pip knows the newest Python, as the one that came with this machine's may not. */
function installer(): string {
  const folder = fetched(`pip-${PIP}`, (work) => {
    execFileSync('python3', ['-m', 'venv', work]);
    execFileSync(join(work, 'bin/python'), ['-m', 'pip', 'install', '-q', `pip==${PIP}`], {
      stdio: ['ignore', 2, 2],
    });
  });
  return join(folder, 'bin/python');
}

function installIntoEnvironment(python: string, folder: string, wheel: string): readonly [string] {
  const own = join(folder, 'bin/python');
  execFileSync(python, ['-m', 'venv', '--without-pip', folder]);
  const install = ['-m', 'pip', '--python', own, 'install', '-q', '--only-binary=:all:', wheel, PYTEST];
  execFileSync(installer(), install, { stdio: ['ignore', 2, 2] });
  return [own];
}

/** As pip on a machine with one of the platform `tags` would, into a folder to import from. */
function installForAnotherMachine(
  folder: string,
  wheel: string,
  version: string,
  tags: readonly string[],
): void {
  const abis = [`cp${version.replace('.', '')}`, 'abi3', 'none'];
  const target = [
    ...tags.flatMap((tag) => ['--platform', tag]),
    ...['--python-version', version, '--implementation', 'cp', ...abis.flatMap((abi) => ['--abi', abi])],
  ];
  const install = ['-m', 'pip', 'install', '-q', '--only-binary=:all:', '--target', folder, ...target];
  execFileSync(installer(), [...install, wheel, PYTEST], { stdio: ['ignore', 2, 2] });
}

function runTests(
  { install, tests, endings }: Interpreter,
  wheel: string,
): { version: string; passed: number; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vas-wheel-'));
  try {
    const [own, ...first] = install(folder, wheel);
    const version = execFileSync(own, [...first, '-c', 'import platform; print(platform.python_version())'], {
      encoding: 'utf8',
    }).trim();
    const files = tests.map((name) => join(workspace, `python/tests/test_${name}.py`));
    const config = ['-c', join(workspace, 'python/pyproject.toml'), '--rootdir', join(workspace, 'python')];
    // Not from the folder of the package, whose sources would be imported.
    const { status, stdout, stderr } = spawnSync(
      own,
      [...first, '-P', '-m', 'pytest', '-p', 'no:cacheprovider', ...config, ...files],
      {
        ...{ cwd: folder, encoding: 'utf8' },
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', VAS_TEST_ENDINGS: String(endings) },
      },
    );
    const [, passed = '0'] = /^=+ (\d+) passed/m.exec(stdout) ?? [];
    return { version, passed: status === 0 ? Number(passed) : 0, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
