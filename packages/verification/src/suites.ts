/** D1, S7: the test suites of the packages and of the Rust crates, on every platform and in every version of Node. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Check, Row } from './check.js';
import { runtimes } from './runtimes.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** What is published and runs in Node. */
const SUITES = ['ring-buffer', 'frame-export', 'ruth-core'];
/** Packs for the machine that it runs on, not for the platform. */
const EXCLUDED = '**/packed-package.test.ts';
const ARCHITECTURES = ['--cpu', 'x64', '--cpu', 'arm64', '--libc', 'glibc', '--libc', 'musl'];

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export const suites: Check = {
  summary: 'the suites of the packages in every Node of every platform; fetches them, and takes half an hour',
  run({ only }) {
    const rows: Row[] = [];
    const failures: string[] = [];
    const folder = mkdtempSync(join(tmpdir(), 'vas-suites-'));
    try {
      copyRepository(folder);
      for (const { platform, name, command } of runtimes) {
        if (only !== undefined && !`${platform}, ${name}`.includes(only)) continue;
        for (const suite of SUITES) {
          const { passed, failed } = run(folder, command(), suite);
          rows.push({ platform, runtime: name, suite, passed, failed: failed.length });
          failures.push(...failed.map((test) => `${platform}, ${name}, ${suite}: ${test}`));
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return Promise.resolve({ rows, failures });
  },
};

/** The repository as it is, built, with the dependencies of all platforms and without a native file of this machine's. */
function copyRepository(folder: string): void {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  const platforms = [...new Set(runtimes.map(({ platform }) => platform))];
  const natives = platforms.map(
    (platform) => `packages/frame-export/npm/${platform}/vas-frame-export.${platform}.node`,
  );
  const missing = natives.find((path) => !existsSync(join(root, path)));
  if (missing !== undefined) throw new Error(`${missing} is not built: npm run build-platforms`);
  const built = ['ring-buffer', 'frame-export', 'ruth-core', 'processes', 'release'].map(
    (name) => `packages/${name}/dist`,
  );
  const paths = [...files.toString().split('\0').filter(Boolean), ...built, ...natives];
  for (const path of paths)
    if (existsSync(join(root, path))) cpSync(join(root, path), join(folder, path), { recursive: true });
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly packageManager: string;
  };
  const install = [
    'pnpm',
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    '--loglevel=error',
    ...ARCHITECTURES,
  ];
  execFileSync('npm', ['exec', '--yes', `--package=${packageManager}`, '--', ...install], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
}

function run(
  folder: string,
  node: readonly [string, ...string[]],
  suite: string,
): { passed: number; failed: readonly string[] } {
  const [file, ...args] = node;
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    suite,
    '--testTimeout',
    '240000',
    '--exclude',
    EXCLUDED,
  ];
  const { stdout, stderr } = spawnSync(
    file,
    [...args, ...vitest, '--reporter=json', '--outputFile', report],
    {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  if (!existsSync(report)) return { passed: 0, failed: [`did not run: ${stdout}${stderr}`] };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status !== 'passed');
  return { passed: numPassedTests, failed: failed.map(({ fullName }) => fullName) };
}
