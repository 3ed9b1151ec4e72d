/**
 * Rehearses a release in a copy of the repository against a real registry on loopback: version, pack, gates, publication
 * that fails half-way and is resumed, clean consumers of every kind, crates and wheels with consumers of theirs, and a
 * second release of one package.
 *
 * `--targets all|host|NAME,...`: which platform packages, all by default; the others are taken out of the copy.
 * `--as-built`: with binaries of `npm run build`, which are for this machine alone.
 * `--quick`: npm, the workspace's own TypeScript and the crates; without it also pnpm, yarn 1, yarn 4, every TypeScript
 * and the wheels.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandFailed, run } from './command.js';
import { checkConsumers } from './consumers.js';
import { CopiedRepository } from './copied-repository.js';
import { crateProblems, packCrates } from './crates.js';
import { checkCrateConsumer, checkWheelConsumer } from './foreign-readers.js';
import { Registry } from './registry.js';
import { buildWheels, wheelProblems } from './wheels.js';
import { hostPlatform, platformsNamed, publishedOf, ROOT } from './workspace.js';

const { values } = parseArgs({
  options: {
    targets: { type: 'string', default: 'all' },
    'as-built': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'vas-rehearsal-'));
const started = Date.now();

function step(what: string): void {
  console.log(`${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s  ${what}`);
}

function expectLine(output: string, line: string): void {
  if (!output.includes(line)) throw new Error(`it should say: ${line}\nit says:\n${output}`);
}

/** Runs one of this package's commands, as somebody who makes a release does. */
function command(name: string, ...args: readonly string[]): string {
  const env = registry.credentials;
  return run(process.execPath, [join(ROOT, `packages/release/dist/${name}.js`), ...args], {
    cwd: folder,
    env,
  });
}

/** npm as somebody runs it who may publish to the registry. */
function npm(...args: readonly string[]): string {
  return run('npm', [...args, '--loglevel', 'error', '--prefer-online', '--registry', registry.url], {
    cwd: folder,
    env: registry.credentials,
  }).trim();
}

function latestOf(name: string): string {
  return npm('view', name, 'dist-tags.latest');
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function failureOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof CommandFailed) return error.output;
    throw error;
  }
  throw new Error('what had to be refused was not');
}

const platforms = platformsNamed(ROOT, values.targets);
const registry = await Registry.in(join(folder, 'registry'));
try {
  step(`copy the repository, with ${platforms.join(', ')}`);
  const copy = new CopiedRepository(join(folder, 'copy'), platforms);
  const names = publishedOf(copy.root).map(({ name }) => name);
  const asBuilt = values['as-built'] ? ['--as-built'] : [];
  const publish = (): string =>
    command('publish', '--root', copy.root, '--registry', registry.url, ...asBuilt);
  const version = (): string => command('prepare-version', '--root', copy.root);

  step('version');
  copy.addChangeset('first', Object.fromEntries(names.map((name) => [name, 'minor'] as const)));
  version();
  copy.commit('Release');

  step('publish to a registry that refuses one package half-way');
  await registry.start(['@vas/frame-export']);
  expectLine(failureOf(publish), 'npm publish ');
  await registry.stop();

  step('resume');
  await registry.start();
  const resumed = publish();
  for (const name of names) {
    const isLate = name === '@vas/frame-export' || name === '@vas/ruth-core';
    expectLine(resumed, `${name}@${copy.versionOf(name)} is ${isLate ? 'published' : 'there already'}`);
  }

  mkdirSync(join(folder, 'consumers'));
  const consumers = { folder: join(folder, 'consumers'), registry, isQuick: values.quick, step };
  const released = copy.versionOf('@vas/frame-export');
  checkConsumers(consumers, released);

  const foreign = { folder: consumers.folder, host: join(consumers.folder, 'npm') };
  step('pack the crates');
  const targetDir = join(ROOT, 'rust-shm/target');
  const crateTarget = join(targetDir, 'package-check');
  const crates = packCrates(join(copy.root, 'rust-shm'), crateTarget);
  refuse(crates.flatMap(crateProblems));
  step('consumer of the crates');
  const lock = join(copy.root, 'rust-shm/Cargo.lock');
  checkCrateConsumer(foreign, crates, { lock, targetDir: crateTarget });
  if (!values.quick) {
    step('build the wheels');
    const wheels = buildWheels(copy.root, platforms, join(folder, 'wheels'), targetDir);
    refuse(wheels.flatMap((wheel) => wheelProblems(wheel, released)));
    step('consumer of the wheel');
    const own = wheels.find((wheel) => wheel.includes(`/${hostPlatform()}/`));
    if (own !== undefined) checkWheelConsumer(foreign, own, released);
  }

  step('release again, with a change of one package');
  const others = names.filter((name) => name !== '@vas/ruth-core');
  const unchanged = others.map((name) => `${name}@${copy.versionOf(name)} is there already`);
  copy.addChangeset('second', { '@vas/ruth-core': 'patch' });
  version();
  copy.commit('Release once more');
  const before = latestOf('@vas/ruth-core');
  const second = publish();
  for (const line of [...unchanged, `@vas/ruth-core@${copy.versionOf('@vas/ruth-core')} is published`]) {
    expectLine(second, line);
  }

  step('take a release back as far as it can be');
  const wrong = `@vas/ruth-core@${copy.versionOf('@vas/ruth-core')}`;
  npm('deprecate', wrong, 'a rehearsed mistake');
  npm('dist-tag', 'add', `@vas/ruth-core@${before}`, 'latest');
  expectLine(npm('view', wrong, 'deprecated'), 'a rehearsed mistake');
  expectLine(latestOf('@vas/ruth-core'), before);
  npm('unpublish', wrong);
  expectLine(
    failureOf(() => npm('view', wrong, 'version')),
    'E404',
  );

  step('refuse a breaking change that its dependent hides');
  copy.addChangeset('hidden', { '@vas/ring-buffer': 'major' });
  expectLine(failureOf(version), 'add a changeset for @vas/frame-export');
  step('rehearsed');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
}
