import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RingBufferError } from '@vas/ring-buffer';

const home = new URL('..', import.meta.url);
const readme = readFileSync(new URL('README.md', home), 'utf8');

describe('the README', () => {
  it('has an example of ten lines that runs as it stands', () => {
    const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? '';
    expect(example.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(10);
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', example], {
      cwd: fileURLToPath(home),
      encoding: 'utf8',
    });
    expect(output).toBe('frame 1: luma 128\n');
  });

  it('names only error codes that there are', () => {
    const codes = [...readme.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(0);
    const source = readFileSync(new URL('src/errors.ts', home), 'utf8');
    for (const code of codes) expect(source).toContain(`'${code ?? ''}'`);
    expect(new RingBufferError('BAD_GEOMETRY', 'text')).toMatchObject({
      code: 'BAD_GEOMETRY',
      message: 'text',
    });
  });
});
