#!/usr/bin/env node
// Starts vas-frames, the command line tool, out of the platform package of this machine. It is a static binary, so that
// the package for either C library has one that runs.
'use strict';
const { spawn } = require('node:child_process');
const { constants } = require('node:os');

/** The exit code of vas-frames for what the system refuses. */
const REFUSED = 4;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

const file = fileOfTool();
if (file === null) {
  const [why, code] =
    process.platform === 'linux'
      ? [
          `its platform package for ${process.arch} is not installed; install optional dependencies, too`,
          'NATIVE_UNAVAILABLE',
        ]
      : ['frames can be exported and read on Linux only', 'UNSUPPORTED_PLATFORM'];
  console.error(`vas-frames: ${why} (${code})`);
  process.exitCode = REFUSED;
} else {
  const tool = spawn(file, process.argv.slice(2), { stdio: 'inherit' });
  for (const signal of SIGNALS) process.on(signal, () => tool.kill(signal));
  tool.once('error', (error) => {
    console.error(`vas-frames: ${error.message} (IO)`);
    process.exitCode = REFUSED;
  });
  tool.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/** `null` if no platform package of this processor is there. */
function fileOfTool() {
  if (process.platform !== 'linux') return null;
  for (const library of ['gnu', 'musl']) {
    try {
      return require.resolve(`@vas/frame-export-linux-${process.arch}-${library}/vas-frames`);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return null;
}
