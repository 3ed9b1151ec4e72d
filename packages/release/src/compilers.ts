/** The versions of TypeScript that consumers may have. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './workspace.js';

/** The oldest version that the declarations are promised to work with, the workspace's own, and the newest. */
export const COMPILERS = ['typescript-oldest', 'typescript', 'typescript-newest'] as const;

export type Compiler = (typeof COMPILERS)[number];

export function compilerPath(compiler: Compiler): string {
  return join(ROOT, 'packages/release/node_modules', compiler, 'bin/tsc');
}

export function majorOf(compiler: Compiler): number {
  const manifest = join(ROOT, 'packages/release/node_modules', compiler, 'package.json');
  return Number.parseInt((JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version, 10);
}
