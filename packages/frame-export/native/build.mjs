// Builds the native file for this machine from rust-shm/node-binding, with its loader and declarations.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NapiCli } from '@napi-rs/cli';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const rustDir = join(packageDir, '../../rust-shm');
const nativeDir = join(packageDir, 'native');

const { task } = await new NapiCli().build({
  cwd: packageDir,
  manifestPath: join(rustDir, 'node-binding/Cargo.toml'),
  targetDir: process.env.CARGO_TARGET_DIR ?? join(rustDir, 'target'),
  platform: true,
  release: true,
  outputDir: 'native',
  jsBinding: 'binding.cjs',
  dts: 'binding.d.cts',
});
await task;
await takeVersionFromManifest(join(nativeDir, 'binding.cjs'));

/**
 * The loader names the version of the package in the text of each of its checks; it reads the manifest instead, so that
 * the committed file is the same for every version.
 */
async function takeVersionFromManifest(loader) {
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'));
  const text = await readFile(loader, 'utf8');
  const start = "const { readFileSync } = require('fs')\n";
  const checked = `bindingPackageVersion !== '${version}'`;
  const said = `expected ${version} but got`;
  if (!text.includes(start) || !text.includes(checked) || !text.includes(said)) {
    throw new Error('the generated loader has another form: see takeVersionFromManifest');
  }
  const expected = `${start}const { version: expectedVersion } = require('../package.json')\n`;
  await writeFile(
    loader,
    text
      .replace(start, expected)
      .replaceAll(checked, 'bindingPackageVersion !== expectedVersion')
      .replaceAll(said, 'expected ${expectedVersion} but got'),
  );
}
