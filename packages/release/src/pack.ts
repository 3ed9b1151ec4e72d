/** Tarballs as they are published, and what is in them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { run } from './command.js';
import { pnpmOf, ROOT, type Manifest } from './workspace.js';

/** Packs the package in `folder` as it would be published, and gives the path of the tarball. */
export function pack(folder: string, destination: string, root = ROOT): string {
  const packed = JSON.parse(
    run('npm', [...pnpmOf(root), 'pack', '--json', '--pack-destination', destination], { cwd: folder }),
  ) as { filename: string };
  return join(destination, packed.filename.split('/').at(-1) ?? '');
}

/** A tarball, read without unpacking it. */
export interface Tarball {
  readonly path: string;
  readonly manifest: Manifest;
  /** Paths inside the package, in order. */
  readonly files: readonly string[];
  text(file: string): string;
  bytes(file: string): Buffer;
}

export function readTarball(path: string): Tarball {
  const bytes = (file: string): Buffer =>
    execFileSync('tar', ['-xzOf', path, `package/${file}`], { maxBuffer: 1 << 28 });
  const text = (file: string): string => bytes(file).toString('utf8');
  const files = run('tar', ['-tzf', path], { cwd: '/' })
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('/'))
    .map((line) => line.replace(/^package\//, ''))
    .sort();
  return { path, manifest: JSON.parse(text('package.json')) as Manifest, files, text, bytes };
}
