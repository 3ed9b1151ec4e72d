// Builds the native file for this machine from rust-shm/node-binding, with its loader and declarations, and puts a
// copy into the platform package under npm/. With --fault-injection: a build for tests, in native/test/, which
// NAPI_RS_NATIVE_LIBRARY_PATH makes the loader take; it never gets into a package.
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NapiCli } from '@napi-rs/cli';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const rustDir = join(packageDir, '../../rust-shm');
const targetDir = process.env.CARGO_TARGET_DIR ?? join(rustDir, 'target');

const options = {
  cwd: packageDir,
  manifestPath: join(rustDir, 'node-binding/Cargo.toml'),
  platform: true,
  release: true,
  targetDir,
  outputDir: 'native',
  jsBinding: 'binding.cjs',
  dts: 'binding.d.cts',
};

if (process.argv.includes('--fault-injection')) {
  await build({
    ...options,
    features: ['fault-injection'],
    targetDir: join(targetDir, 'fault-injection'),
    outputDir: 'native/test',
    noJsBinding: true,
  });
} else {
  await build(options);
  await fillPlatformPackage();
}

async function build(buildOptions) {
  const { task } = await new NapiCli().build(buildOptions);
  await task;
}

/** Copies `vas-frame-export.<platform>.node` to `npm/<platform>/`. */
async function fillPlatformPackage() {
  const nativeDir = join(packageDir, 'native');
  for (const file of await readdir(nativeDir)) {
    const platform = /^vas-frame-export\.([a-z0-9-]+)\.node$/.exec(file)?.[1];
    if (platform !== undefined) await copyFile(join(nativeDir, file), join(packageDir, 'npm', platform, file));
  }
}
