/** Loads the native file, on first use and never on import. */
import { createRequire } from 'node:module';
import { LAYOUT_VERSION } from '@vas/ring-buffer';
import type * as binding from '../native/binding.cjs';
import { FrameExportError } from './errors.js';
import { explainLoadFailure } from './load-failure.js';
import type { CLibrary } from './load-failure.js';

export type NativeBinding = typeof binding;
export type NativeExport = InstanceType<NativeBinding['NativeExport']>;
export type NativeSource = InstanceType<NativeBinding['NativeSource']>;
export type NativeWaiter = InstanceType<NativeBinding['NativeWaiter']>;

let loaded: NativeBinding | undefined;

/**
 * @throws FrameExportError `UNSUPPORTED_PLATFORM`, `NATIVE_UNAVAILABLE`, or `INCOMPATIBLE_LAYOUT` when the
 * native file writes another layout than this JavaScript reads
 */
export function loadNative(): NativeBinding {
  loaded ??= load();
  return loaded;
}

function load(): NativeBinding {
  if (process.platform !== 'linux') {
    throw new FrameExportError(
      'UNSUPPORTED_PLATFORM',
      `frame export needs Linux shared memory and does not run on ${process.platform}`,
    );
  }
  let binding: NativeBinding;
  try {
    binding = createRequire(import.meta.url)('../native/binding.cjs') as NativeBinding;
  } catch (cause) {
    throw new FrameExportError(
      'NATIVE_UNAVAILABLE',
      explainLoadFailure(cause, process.arch, runningLibrary()),
      { cause },
    );
  }
  const version = binding.layoutVersion();
  if (version !== LAYOUT_VERSION) {
    throw new FrameExportError(
      'INCOMPATIBLE_LAYOUT',
      `the native file has layout version ${String(version)}, this package ${String(LAYOUT_VERSION)}: ` +
        'install both from the same release',
    );
  }
  return binding;
}

/** The C library that this Node itself was built for. */
function runningLibrary(): CLibrary {
  const { report } = process;
  // Names of hosts are not asked for: that could take seconds, and concerns nobody.
  if ('excludeNetwork' in report) report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
}

/** Runs a native call and gives what it throws its class. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw FrameExportError.from(cause);
  }
}
