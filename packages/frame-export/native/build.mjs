// Builds the native file for this machine from rust-shm/node-binding, with its loader and declarations, and puts a
// copy into the platform package under npm/.
import { copyFile, readdir } from 'node:fs/promises';
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

for (const file of await readdir(nativeDir)) {
  const platform = /^vas-frame-export\.([a-z0-9-]+)\.node$/.exec(file)?.[1];
  if (platform !== undefined) await copyFile(join(nativeDir, file), join(packageDir, 'npm', platform, file));
}
