/** R1: the wheel of each platform, installed into a clean environment, in Pythons from the oldest to the newest. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetched } from './cache.js';
import type { Check, Row } from './check.js';
import { pythonFromDebian } from './debian.js';
import { buildWheel, workspace } from './rust.js';

const PIP = '26.3';
const NEWEST = 'python3.15';
const DEBIAN_ONLY = 'the newest Python is taken from Debian on x64, which this machine is not';
/** How often an interpreter ends while its threads read. */
const ENDINGS = 200;
const TESTS = ['reading', 'look', 'life', 'waiting', 'stream', 'conformance'];

interface Interpreter {
  readonly platform: 'linux-x64-gnu';
  readonly name: string;
  /** Fetches what is missing. */
  readonly path: () => string;
  readonly tests: readonly string[];
  readonly endings: number;
}

const interpreters: readonly Interpreter[] = [
  {
    ...{ platform: 'linux-x64-gnu', name: "this machine's", tests: TESTS, endings: ENDINGS },
    path: () => 'python3',
  },
  {
    ...{ platform: 'linux-x64-gnu', name: 'the newest', tests: TESTS, endings: ENDINGS },
    path: () => pythonFromDebian(NEWEST, DEBIAN_ONLY),
  },
];

/** Built, and refused where they need what a platform does not have; no such Python is at hand to run them in. */
const ONLY_BUILT = ['linux-arm64-gnu', 'linux-x64-musl', 'linux-arm64-musl'] as const;

export const wheels: Check = {
  summary:
    'the wheel of each platform, in CPython from the oldest to the newest; --seconds: only those that are run',
  run({ seconds }) {
    const isShort = seconds !== undefined;
    const rows: Row[] = [];
    const failures: string[] = [];
    const built = new Map<string, string>();
    for (const { platform, name, path, tests, endings } of interpreters) {
      const wheel = built.get(platform) ?? buildWheel(platform);
      built.set(platform, wheel);
      const { version, passed, output } = runTests(path(), wheel, tests, endings);
      rows.push({ platform, python: name, version, passed });
      if (passed === 0) failures.push(`${platform}, ${name}: ${output}`);
    }
    for (const platform of isShort ? [] : ONLY_BUILT) {
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

function runTests(
  python: string,
  wheel: string,
  tests: readonly string[],
  endings: number,
): { version: string; passed: number; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vas-wheel-'));
  try {
    const own = join(folder, 'bin/python');
    execFileSync(python, ['-m', 'venv', '--without-pip', folder]);
    const install = [
      '-m',
      'pip',
      '--python',
      own,
      'install',
      '-q',
      '--only-binary=:all:',
      wheel,
      'pytest==9.2.0',
    ];
    execFileSync(installer(), install, { stdio: ['ignore', 2, 2] });
    const version = execFileSync(own, ['-c', 'import platform; print(platform.python_version())'], {
      encoding: 'utf8',
    }).trim();
    const files = tests.map((name) => join(workspace, `python/tests/test_${name}.py`));
    const config = ['-c', join(workspace, 'python/pyproject.toml'), '--rootdir', join(workspace, 'python')];
    // Not from the folder of the package, whose sources would be imported.
    const { status, stdout, stderr } = spawnSync(
      own,
      ['-P', '-m', 'pytest', '-p', 'no:cacheprovider', ...config, ...files],
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
