// Debian packages that something needs: says which are missing and how to get them, or installs them.
//
//   node scripts/system-packages.mjs [--install-packages] NAME...
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values: options, positionals: wanted } = parseArgs({
  options: { 'install-packages': { type: 'boolean', default: false } },
  allowPositionals: true,
});

const missing = wanted.filter((name) => {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
  return query.stdout !== 'installed';
});
const sudo = process.getuid() === 0 ? [] : ['sudo'];
const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
if (missing.length > 0) {
  if (options['install-packages']) {
    for (const command of [['apt-get', 'update'], install]) run([...sudo, ...command]);
  } else {
    fail(
      `packages are missing; install them, or add --install-packages:\n  ${[...sudo, ...install].join(' ')}`,
    );
  }
}

function run([command, ...args]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], env });
  if (status !== 0)
    fail(`${[command, ...args].join(' ')} failed: ${error?.message ?? `exit code ${status}`}`);
}

function fail(text) {
  console.error(`error: ${text}`);
  process.exit(1);
}
