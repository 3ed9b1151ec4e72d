/** The whole hosts of the integration guide: compiled, or loaded, as they stand, and run with FFmpeg. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFrameSource } from '@vas/frame-export/reader';
import ts from 'typescript';
import { expect, it, onTestFinished } from 'vitest';
import { findFfmpeg } from '../src/ffmpeg/binary.js';
import { temporaryFolder, until } from './pipeline.js';

const guide = readFileSync(
  fileURLToPath(new URL('../../../docs/integrating-with-vas.md', import.meta.url)),
  'utf8',
);

function example(name: string): string {
  return new RegExp(`<!-- example: ${name} -->\n\`\`\`\\w+\n([^]*?)\`\`\``).exec(guide)?.[1] ?? '';
}

/** A folder from which the packages of the workspace are found. */
function scripts(): string {
  const folder = mkdtempSync(fileURLToPath(new URL('.example-', import.meta.url)));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** What TypeScript says of a file by the strictest rules, and the JavaScript that it makes of it. */
function compile(file: string): string[] {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    types: ['node'],
  });
  const { diagnostics } = program.emit();
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}

const SOURCE = ['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25'];

/**
 * Runs a camera of the example until frames come, kills its FFmpeg at a time at which no other can be started, and stops
 * the camera when frames come again.
 */
async function runHost(module: string, baseDir: string): Promise<void> {
  const folder = join(module, '..');
  const main = join(folder, 'main.mjs');
  writeFileSync(
    main,
    `import { startCamera } from ${JSON.stringify(module)};
     const stop = startCamera('entrance', 64, 48, ${JSON.stringify(SOURCE)});
     process.stdin.once('data', stop).unref();
     process.stdin.once('data', () => process.stdin.destroy());`,
  );
  const programs = temporaryFolder();
  const program = join(programs, 'ffmpeg');
  const { path } = await findFfmpeg();
  symlinkSync(path, program);
  const host = spawn(process.execPath, [main], {
    env: { ...process.env, PATH: programs, AI_FRAME_EXPORT_ENABLED: 'true' },
    stdio: ['pipe', 'inherit', 'pipe'],
  });
  let said = '';
  host.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(host, 'exit');
  onTestFinished(() => {
    host.kill('SIGKILL');
  });
  const newest = (): number => {
    try {
      const source = openFrameSource({ cameraId: 'entrance', baseDir });
      const read = source.lookNewest((picture) => picture.length);
      source.close();
      return read.status === 'frame' ? read.frame.frameId : 0;
    } catch {
      return 0;
    }
  };
  await until(() => newest() > 10);
  const [ffmpeg = ''] = readFileSync(`/proc/${host.pid ?? 0}/task/${host.pid ?? 0}/children`, 'utf8').split(
    ' ',
  );
  rmSync(program);
  process.kill(Number(ffmpeg), 'SIGKILL');
  await until(() => said.includes('spawn ffmpeg ENOENT'));
  symlinkSync(path, program);
  const before = newest();
  await until(() => newest() > before + 30);
  host.stdin.write('stop');
  expect(await ended, 'nothing keeps the process once its camera is stopped').toEqual([0, null]);
  expect(newest(), 'the camera is gone').toBe(0);
}

it('G11: the guide has a whole host in strict TypeScript that exports, restarts FFmpeg and stops', async () => {
  const baseDir = temporaryFolder('/dev/shm');
  const file = join(scripts(), 'host.mts');
  writeFileSync(
    file,
    example('whole-host').replace('createFrameExporter()', `createFrameExporter({ baseDir: '${baseDir}' })`),
  );
  expect(compile(file)).toEqual([]);
  await runHost(file.replace(/mts$/, 'mjs'), baseDir);
}, 120_000);

it('G11: the guide has the same host in CommonJS', async () => {
  const baseDir = temporaryFolder('/dev/shm');
  const file = join(scripts(), 'host.cjs');
  const text = example('whole-host-commonjs');
  expect(text.split('\n').length).toBeLessThan(30);
  writeFileSync(
    file,
    text.replace('createFrameExporter()', `createFrameExporter({ baseDir: '${baseDir}' })`),
  );
  await runHost(file, baseDir);
}, 120_000);
