/**
 * How a package is built for both ways to load it. The JavaScript exists once, as ES modules: `require` gets a file that
 * requires them, so that both ways give the same instance. The declarations exist for either, because TypeScript takes
 * the format of a declaration for the format of the code.
 */
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Options } from 'tsup';

const OUT = 'dist';

interface Formats extends Options {
  /** The entries of a package. */
  entry: string[];
  /** Entries that have declarations and no code. */
  typeEntries?: string[];
}

/** The tsup configurations of a package. */
export function moduleFormats({ entry, typeEntries = [], ...options }: Formats): () => Promise<Options[]> {
  const all = [...entry, ...typeEntries];
  return async () => {
    // Not by tsup's `clean`: the two builds run at once.
    await rm(OUT, { recursive: true, force: true });
    return [
      {
        ...{ ...options, entry, format: 'esm', dts: { entry: all }, sourcemap: true },
        // The sources are in the package themselves.
        esbuildOptions: (esbuild) => {
          esbuild.sourcesContent = false;
        },
        onSuccess: () => writeRequireEntries(entry),
      },
      { ...options, entry: all, format: 'cjs', dts: { entry: all, only: true } },
    ];
  };
}

async function writeRequireEntries(entry: readonly string[]): Promise<void> {
  for (const path of entry) {
    const name = basename(path, '.ts');
    await writeFile(join(OUT, `${name}.cjs`), `module.exports = require('./${name}.js');\n`);
  }
}
