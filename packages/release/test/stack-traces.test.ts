/** A stack trace out of an installed package leads to a line of a source that is installed with it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Consumer, Tarballs } from '../src/consumer.js';

const tarballs = new Tarballs();
const consumer = new Consumer();

beforeAll(() => {
  const names = ['ring-buffer', 'frame-export', 'ruth-core'];
  const paths = tarballs.of(...names.map((name) => `packages/${name}`));
  consumer.unpack(Object.fromEntries(names.map((name, index) => [`@vas/${name}`, paths[index] ?? ''])));
});

afterAll(() => {
  consumer.remove();
  tarballs.remove();
});

it.each([
  ['@vas/ring-buffer', 'allocateFrameRing({ width: 1, height: 1 })', 'allocateFrameRing'],
  [
    '@vas/frame-export',
    "createFrameExporter().openCamera({ cameraId: '..', width: 2, height: 2 })",
    'createFrameExporter',
  ],
  ['@vas/ruth-core', 'new RuthState().ensureAgent(7)', 'RuthState'],
])('D4: what %s throws is found in its sources', (name, expression, imported) => {
  const program = `
    import { ${imported} } from '${name}';
    try {
      ${expression};
    } catch (error) {
      console.log(error.stack);
    }`;
  consumer.write('program.mjs', program);
  const stack = consumer.run(process.execPath, ['--enable-source-maps', 'program.mjs'], {
    AI_FRAME_EXPORT_ENABLED: 'true',
  });
  const [, file = '', line = ''] = /\((?:file:\/\/)?(\/[^():]+):(\d+):\d+\)/.exec(stack) ?? [];
  expect(file).toMatch(new RegExp(`/node_modules/${name}/src/[\\w-]+\\.ts$`));
  expect(readFileSync(file, 'utf8').split('\n')[Number(line) - 1]).toMatch(/\bthrow\b|\bnew \w+Error\(/);
});
