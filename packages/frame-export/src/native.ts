/** Loads the native file, on first use and never on import. */
import { createRequire } from 'node:module';
import { LAYOUT_VERSION } from '@vas/ring-buffer';
import type * as binding from '../native/binding.cjs';
import { FrameExportError } from './errors.js';

export type NativeBinding = typeof binding;
export type NativeExport = InstanceType<NativeBinding['NativeExport']>;
export type NativeSource = InstanceType<NativeBinding['NativeSource']>;

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
      `the native file for ${process.platform}-${process.arch} does not load: install ` +
        `@vas/frame-export-${process.platform}-${process.arch}-gnu with optional dependencies enabled`,
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

/** Runs a native call and gives what it throws its class. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw FrameExportError.from(cause);
  }
}
