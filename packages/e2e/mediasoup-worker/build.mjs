// Prints the path of a mediasoup-worker binary for the MediaSoup version that this package depends on:
// one that is there already, else the prebuilt one of that release, else one built here from the npm package
// with the system's libraries and cached outside the checkout. Progress goes to standard error.
//
//   node packages/e2e/mediasoup-worker/build.mjs [--install-packages] [--no-download]
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, homedir, platform, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const overlay = join(here, 'subprojects');

const debianPackages = [
  'g++',
  'meson',
  'ninja-build',
  'pkg-config',
  'libuv1-dev',
  'libssl-dev',
  'libsrtp2-dev',
  'libusrsctp-dev',
  'libabsl-dev',
  'libflatbuffers-dev',
  'flatbuffers-compiler',
];

// liburing would have to be downloaded; nothing here needs it.
const mesonOptions = ['--buildtype', 'release', '-Db_ndebug=true', '-Dms_disable_liburing=true'];

// What is changed in the copied source: file, what stands there, what stands there instead.
const patches = [
  // Nothing in the build needs more than meson 1.0, which is what Debian 12 has.
  ['meson.build', /meson_version: '>= 1\.\d+\.\d+'/, "meson_version: '>= 1.0.0'"],
  // The callback has to pass on what an operation returned. It does so only for those without a direction, so that
  // an OpenSSL with kernel TLS takes its 1 for the answer "the kernel encrypts", and crashes in the first handshake.
  ['src/RTC/DtlsTransport.cpp', '(operationType == BIO_CB_RETURN)', '((operationType & BIO_CB_RETURN) != 0)'],
];

// Exit code of a worker that is started without MEDIASOUP_VERSION: how MediaSoup itself tells whether a
// binary runs on this machine.
const EXIT_CODE_WITHOUT_VERSION = 41;

const { values: options } = parseArgs({
  options: {
    'install-packages': { type: 'boolean', default: false },
    'no-download': { type: 'boolean', default: false },
  },
});

const mediasoupDir = findMediasoup();
const mediasoup = JSON.parse(readFileSync(join(mediasoupDir, 'package.json'), 'utf8'));
try {
  process.stdout.write(`${await provideWorker()}\n`);
} catch (error) {
  fail(error.message);
}

function findMediasoup() {
  const require = createRequire(join(here, '../package.json'));
  try {
    // The package exports no package.json; its main file is node/lib/index.js.
    return join(dirname(require.resolve('mediasoup')), '../..');
  } catch {
    fail('mediasoup is not installed: run `npm run build` (or pnpm install) in the root folder first');
  }
}

async function provideWorker() {
  const installed = [
    process.env.MEDIASOUP_WORKER_BIN,
    join(mediasoupDir, 'worker/out/Release/mediasoup-worker'),
  ];
  for (const candidate of installed) {
    if (candidate && runs(candidate)) return candidate;
  }

  const cached = join(cacheDir(), 'mediasoup-worker');
  if (runs(cached)) return cached;

  mkdirSync(dirname(cacheDir()), { recursive: true });
  const scratch = mkdtempSync(`${cacheDir()}.new-`);
  try {
    const isDownloaded = !options['no-download'] && (await download(scratch));
    const fresh = isDownloaded ? join(scratch, 'mediasoup-worker') : build(scratch);
    if (!runs(fresh)) fail(`${fresh} was made but does not run`);
    mkdirSync(cacheDir(), { recursive: true });
    renameSync(fresh, cached);
    return cached;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Keyed by everything that decides what the binary becomes, so that a stale one is never found. */
function cacheDir() {
  const inputs = createHash('sha256').update(
    [platform(), arch(), ...mesonOptions, ...patches.flat()].join(' '),
  );
  const files = readdirSync(overlay, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const path of files.map(({ parentPath, name }) => join(parentPath, name)).sort()) {
    inputs.update(readFileSync(path));
  }
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(
    base,
    'vas-kernel',
    `mediasoup-worker-${mediasoup.version}-${inputs.digest('hex').slice(0, 12)}`,
  );
}

function runs(binary) {
  if (!existsSync(binary)) return false;
  const env = { ...process.env };
  delete env.MEDIASOUP_VERSION;
  const { status } = spawnSync(binary, { env, stdio: 'ignore', timeout: 10_000 });
  if (status !== EXIT_CODE_WITHOUT_VERSION) return false;
  // The first thing that a browser does with it.
  const handshake = spawnSync(process.execPath, [join(here, 'dtls-handshake.mjs')], {
    env: { ...env, MEDIASOUP_WORKER_BIN: binary },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (handshake.status !== 0) say(`${binary} makes no DTLS handshake: ${handshake.stderr.trim()}`);
  return handshake.status === 0;
}

/** The same archive that MediaSoup's own install script looks for. */
async function download(into) {
  const repository = mediasoup.repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
  const kernel = platform() === 'linux' ? `-kernel${release().split('.')[0]}` : '';
  const archive = `mediasoup-worker-${mediasoup.version}-${platform()}-${arch()}${kernel}.tgz`;
  try {
    const response = await fetch(`${repository}/releases/download/${mediasoup.version}/${archive}`, {
      signal: AbortSignal.timeout(60_000),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    execFileSync('tar', ['xz', '-C', into], { input: Buffer.from(await response.arrayBuffer()) });
    return runs(join(into, 'mediasoup-worker'));
  } catch (error) {
    say(`no prebuilt worker could be had (${error.cause?.code ?? error.message}); building it`);
    return false;
  }
}

function build(scratch) {
  const install = options['install-packages'] ? ['--install-packages'] : [];
  run(process.execPath, [join(here, '../../../scripts/system-packages.mjs'), ...install, ...debianPackages]);
  const source = join(scratch, 'worker');
  cpSync(join(mediasoupDir, 'worker'), source, { recursive: true });

  // Without the .wrap files meson looks for a folder of the subproject's own name, which the overlay has: each
  // finds the system's library instead of downloading one.
  rmSync(join(source, 'subprojects'), { recursive: true });
  cpSync(overlay, join(source, 'subprojects'), { recursive: true });

  for (const [file, from, to] of patches) {
    const text = readFileSync(join(source, file), 'utf8');
    const patched = text.replace(from, to);
    if (patched === text) throw new Error(`${file} of MediaSoup ${mediasoup.version} does not have ${from}`);
    writeFileSync(join(source, file), patched);
  }

  const out = join(source, 'out');
  say('building mediasoup-worker from source: 6 to 9 minutes on two cores');
  run('meson', ['setup', ...mesonOptions, out, source]);
  // The generated headers first: meson does not know that the sources include them.
  run('ninja', ['-C', out, 'fbs/FBS']);
  run('nice', ['ninja', '-C', out, 'mediasoup-worker']);
  const binary = join(out, 'mediasoup-worker');
  run('strip', [binary]);
  return binary;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${command} ${error?.message ?? 'failed'}; what it said is above`);
}

function say(text) {
  process.stderr.write(`mediasoup-worker: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
