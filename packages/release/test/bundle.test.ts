/** The bundle of the integration guide, made and run in an application that has the packed packages. */
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Consumer, Tarballs } from '../src/consumer.js';
import { hostPlatform, ROOT } from '../src/workspace.js';

it('G11: the line of the guide bundles an application, which finds the native file where it is installed', () => {
  const guide = readFileSync(join(ROOT, 'docs/integrating-with-vas.md'), 'utf8');
  const line = /<!-- example: bundle -->\n```sh\n([^]*?)```/.exec(guide)?.[1] ?? '';
  expect(line).toContain('main.mjs');
  const tarballs = new Tarballs();
  const consumer = new Consumer();
  onTestFinished(() => {
    tarballs.remove();
    consumer.remove();
  });
  consumer.install(
    tarballs.of(
      'packages/ring-buffer',
      'packages/frame-export',
      `packages/frame-export/npm/${hostPlatform()}`,
    ),
  );
  consumer.write(
    'main.mjs',
    `import { allocateFrameRing } from '@vas/ring-buffer';
     import { createFrameExporter } from '@vas/frame-export';
     try {
       createFrameExporter({ baseDir: '/nowhere/vas' }).openCamera({ cameraId: 'cam', width: 16, height: 16 });
     } catch (error) {
       console.log(error.code, typeof allocateFrameRing);
     }`,
  );
  const bin = join(ROOT, 'packages/release/node_modules/.bin');
  consumer.run('sh', ['-ec', line], { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` });
  const bundle = readFileSync(join(consumer.folder, 'bundle.mjs'), 'utf8');
  expect(bundle).toContain('from "@vas/frame-export"');
  expect(bundle).not.toContain('from "@vas/ring-buffer"');
  // Only the native file can say that there is no such folder.
  const said = consumer.run(process.execPath, ['bundle.mjs'], { AI_FRAME_EXPORT_ENABLED: 'true' });
  expect(said).toBe('BASE_DIR_MISSING function\n');
}, 240_000);
