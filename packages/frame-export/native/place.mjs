// Puts this machine's native file into its platform package, where tests pack it. Leaves what `build-platforms` has built
// there of the same sources, which runs on more machines than this one's does.
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuiltForAll, SOURCES_FILE } from '../../../scripts/platforms/sources.mjs';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const root = join(packageDir, '../..');

for (const file of readdirSync(join(packageDir, 'native'))) {
  const platform = /^vas-frame-export\.([a-z0-9-]+)\.node$/.exec(file)?.[1];
  if (platform === undefined) continue;
  const home = join(packageDir, 'npm', platform);
  if (isBuiltForAll(root, home, file)) continue;
  copyFileSync(join(packageDir, 'native', file), join(home, file));
  rmSync(join(home, SOURCES_FILE), { force: true });
}
