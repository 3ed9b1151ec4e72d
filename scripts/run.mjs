// The root commands, on a machine that has only Node, npm and a Rust toolchain: checks what is missing, fetches
// pnpm and the dependencies, builds, then runs one of the commands below. Imports nothing but Node.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countsOf, failuresOf } from './suite-output.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const QUIET_TOOLS = { TURBO_TELEMETRY_DISABLED: '1', npm_config_update_notifier: 'false' };
const cargoManifest = ['--manifest-path', 'rust-shm/Cargo.toml'];
const rust = [...cargoManifest, '--workspace'];
const loom = [
  ...cargoManifest,
  '-p',
  'vas-frame-protocol',
  '--release',
  '--test',
  'loom',
  '--test',
  'loom_bell',
  '--target-dir',
  'rust-shm/target/loom',
];
const ON_LOOM = { RUSTFLAGS: '--cfg loom' };
const FAULT_INJECTION = 'vas-frame-segment/fault-injection,vas-frame-drain/fault-injection';

const commands = {
  async build() {
    await build();
  },

  async demo(args) {
    await build();
    await run('node', ['packages/reference-host/dist/demo.js', ...args]);
  },

  async test(args) {
    checkPrograms();
    await build();
    // Where the system has no FFmpeg, the tests run the one that npm has brought.
    if (!isOnPath('ffmpeg')) process.env.PATH += `${delimiter}${dirname(ffmpegFromNpm())}`;
    await runSuites([
      ['npm', pnpmArgs(['exec', 'vitest', 'run', ...args])],
      // With the fail points, which some tests need; the packages are built without them.
      ['cargo', ['test', ...rust, '--no-fail-fast', '--features', FAULT_INJECTION]],
      // The memory model checks run the shipped code on loom's atomics, in a build tree of their own.
      ['cargo', ['test', ...loom, '--no-fail-fast'], ON_LOOM],
    ]);
  },

  // The Python package, built as it is published and installed into an environment of its own. Not part of `test`:
  // it needs Python 3.11 with venv, and some hundred megabytes from PyPI.
  async 'test:python'(args) {
    await build();
    checkPython();
    const folder = 'rust-shm/target/python';
    await installPythonPackage(folder, '-r', 'rust-shm/python/tests/requirements.txt');
    // Not `python -m pytest`, which would import the package from the sources.
    const config = ['-c', 'rust-shm/python/pyproject.toml', '--rootdir', 'rust-shm/python'];
    await runSuites([[`${folder}/venv/bin/pytest`, [...config, 'rust-shm/python/tests', ...args]]]);
  },

  async lint() {
    checkPython();
    await build();
    await pnpm('exec', 'eslint', '.', '--max-warnings', '0');
    const ruff = await installedRuff();
    await run(ruff, ['check', '--quiet', '.']);
    await run(ruff, ['format', '--quiet', '--check', '.']);
    await pnpm('exec', 'prettier', '--check', '--log-level', 'warn', '.');
    await pnpm('exec', 'turbo', 'run', 'typecheck');
    await run('node', ['packages/release/dist/check-workflows.js']);
    await run('cargo', ['fmt', ...cargoManifest, '--all', '--check']);
    const peers = ['--manifest-path', 'packages/peers/rust/Cargo.toml'];
    await run('cargo', ['fmt', ...peers, '--check', '--', '--config-path', 'rust-shm/rustfmt.toml']);
    // As it is shipped, with the fail points, and as the model checks see it.
    const clippy = (what, env) => run('cargo', ['clippy', ...what, '--', '-D', 'warnings'], { env });
    await clippy([...rust, '--all-targets']);
    await clippy([...rust, '--all-targets', '--features', FAULT_INJECTION]);
    await clippy(loom, ON_LOOM);
  },

  // With --peers: beside other systems that do the same, which are installed for it; see packages/peers.
  async bench(args) {
    await build();
    if (args.includes('--peers')) {
      await run('node', ['packages/peers/dist/main.js', ...args]);
      return;
    }
    for (const [crate, name] of [
      ['vas-frame-segment', 'ratios'],
      ['vas-frame-drain', 'cpu_per_frame'],
      ['vas-frame-drain', 'cameras'],
      ['vas-frame-drain', 'waiting'],
      ['vas-frame-c-binding', 'copying'],
    ]) {
      console.log(`\n${crate}, ${name}`);
      await run('cargo', ['bench', '--quiet', ...cargoManifest, '-p', crate, '--bench', name, '--', ...args]);
    }
    await benchPythonPackage(args);
    await pnpm('-r', '--workspace-concurrency=1', '--reporter=append-only', 'run', 'bench', ...args);
  },

  async e2e(args) {
    await build();
    await run('node', ['packages/e2e/dist/main.js', ...args]);
  },

  async verify(args) {
    await build();
    await run('node', ['packages/verification/dist/main.js', ...args]);
  },

  async 'check-packages'(args) {
    await build();
    await run('node', ['packages/release/dist/check-packages.js', ...args]);
  },

  async 'version-packages'(args) {
    await build();
    await run('node', ['packages/release/dist/prepare-version.js', ...args]);
  },

  async 'publish-packages'(args) {
    await build();
    await run('node', ['packages/release/dist/publish.js', ...args]);
  },

  async 'rehearse-release'(args) {
    await build();
    await run('node', ['packages/release/dist/rehearse.js', ...args]);
  },

  // The native file of every platform; see docs/platforms.md.
  async 'build-platforms'(args) {
    await build();
    await run('node', ['scripts/platforms/build.mjs', ...args]);
  },

  // The wheel of every platform; see docs/platforms.md.
  async 'build-wheels'(args) {
    checkToolchain();
    await run('node', ['scripts/platforms/wheels.mjs', ...args]);
  },

  // With --look, a real browser then opens every page.
  async docs(args) {
    await build();
    await pnpm('--filter', '@vas/site', 'run', 'build:site');
    if (args.includes('--look')) await pnpm('--filter', '@vas/site', 'run', 'look');
  },
};

async function build() {
  checkToolchain();
  // Standard output belongs to the command that follows: the demo prints a document there.
  await run('npm', pnpmArgs(['install', '--frozen-lockfile', '--loglevel=error']), { quiet: true });
  await run('npm', pnpmArgs(['exec', 'turbo', 'run', 'build', '--output-logs=errors-only']), { quiet: true });
}

/** Builds the Python package as it is published, and installs it into an environment of its own: `<folder>/venv`. */
async function installPythonPackage(folder, ...requirements) {
  checkPython();
  const python = `${folder}/venv/bin/python`;
  const pip = (...pipArgs) =>
    run(python, ['-m', 'pip', '--disable-pip-version-check', 'install', '-q', ...pipArgs]);
  rmSync(join(root, folder), { recursive: true, force: true });
  await run('python3', ['-m', 'venv', `${folder}/venv`]);
  await pip(...requirements);
  const wheels = `${folder}/wheels`;
  const platform = `linux-${process.arch}-gnu`;
  await run('node', ['scripts/platforms/wheels.mjs', '--platform', platform, '--out', wheels]);
  await pip(...readdirSync(join(root, wheels, platform)).map((wheel) => `${wheels}/${platform}/${wheel}`));
}

/** What copying costs in Python. Fetches NumPy, and what builds the package. */
async function benchPythonPackage(args) {
  console.log('\nvas-frames, copying');
  const folder = 'rust-shm/target/python-bench';
  const numpy = /^numpy==.+$/m.exec(
    readFileSync(join(root, 'rust-shm/python/tests/requirements.txt'), 'utf8'),
  )[0];
  await installPythonPackage(folder, numpy);
  const example = ['--release', '-p', 'vas-frame-drain', '--example', 'host'];
  await run('cargo', ['build', '--quiet', ...cargoManifest, ...example]);
  const host = join(process.env.CARGO_TARGET_DIR ?? join(root, 'rust-shm/target'), 'release/examples/host');
  await run(`${folder}/venv/bin/python`, ['-P', 'rust-shm/python/bench/copying.py', host, ...args]);
}

/** The linter of Python, in the version that ruff.toml names, in an environment of its own; fetched on first use. */
async function installedRuff() {
  const version = /^required-version = "==(.+)"$/m.exec(readFileSync(join(root, 'ruff.toml'), 'utf8'))[1];
  const venv = `rust-shm/target/ruff-${version}`;
  const ruff = `${venv}/bin/ruff`;
  if (!existsSync(join(root, ruff))) {
    await run('python3', ['-m', 'venv', '--clear', venv]);
    const install = ['-m', 'pip', '--disable-pip-version-check', 'install', '-q', `ruff==${version}`];
    await run(`${venv}/bin/python`, install);
  }
  return ruff;
}

function checkPython() {
  if (!succeeds('python3', ['-c', 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'])) {
    fail('Python 3.11 or later with venv is needed: `apt-get install python3-venv`, then run this again');
  }
}

function ffmpegFromNpm() {
  return createRequire(join(root, 'packages/reference-host/package.json'))('@ffmpeg-installer/ffmpeg').path;
}

/** What the tests run beside FFmpeg, which npm brings. */
function checkPrograms() {
  const packages = {
    python3: 'python3',
    'pkg-config': 'pkg-config',
    unshare: 'util-linux',
    'c++': 'build-essential',
  };
  const missing = Object.keys(packages).filter((program) => !isOnPath(program));
  if (missing.length > 0) {
    const names = missing.map((program) => packages[program]).join(' ');
    fail(`the tests need ${missing.join(', ')}: \`apt-get install ${names}\`, then run this again`);
  }
}

function checkToolchain() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(
      `Node ${process.versions.node} is too old: 20.19 or later is needed, see https://nodejs.org/en/download`,
    );
  }
  if (process.platform !== 'linux') {
    fail('the native part builds and runs on Linux only');
  }
  if (!isOnPath('cargo')) {
    fail(
      'a Rust toolchain is needed and `cargo` is not on the PATH: see https://rustup.rs, or `apt-get install rustup`',
    );
  }
  if (!isOnPath('cc')) {
    fail('a linker is needed and `cc` is not on the PATH: `apt-get install build-essential`');
  }
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function isOnPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** Runs pnpm in exactly the version that package.json names; npm fetches it on first use. */
function pnpm(...args) {
  return run('npm', pnpmArgs(args));
}

function pnpmArgs(args) {
  return ['exec', '--yes', `--package=${manifest.packageManager}`, '--', 'pnpm', ...args];
}

/** Runs a command in the root folder and ends this process with its exit code if that is not 0. */
async function run(command, args, { quiet = false, env } = {}) {
  const child = start(command, args, {
    stdio: ['inherit', quiet ? process.stderr : 'inherit', 'inherit'],
    env,
  });
  const code = await ended(child);
  if (code !== 0) process.exit(code);
}

/**
 * Runs every test suite, even if one before it failed. The last lines say what failed, and count the tests of all:
 * where only the end of the output is kept, it is enough.
 */
async function runSuites(suites) {
  let output = '';
  let isGreen = true;
  for (const [command, args, env] of suites) {
    const child = start(command, args, { stdio: ['inherit', 'pipe', 'pipe'], env });
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => {
        output += text;
        process[stream].write(text);
      });
    }
    if ((await ended(child)) !== 0) isGreen = false;
  }
  const { passed, failed } = countsOf(output);
  for (const failure of failuresOf(output)) console.log(`\nfailed: ${failure}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  if (!isGreen || passed === 0) fail('the tests did not pass');
}

const running = new Set();

function start(command, args, { stdio, env }) {
  const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...QUIET_TOOLS, ...env } });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}

const [name = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name))
  fail(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [options]`);

// An interrupt reaches the whole process group, other signals this process alone: it passes them on, and in any case
// waits for the command to clean up after itself.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
  });
}
await commands[name](args);
