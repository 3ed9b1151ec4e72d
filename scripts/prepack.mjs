// Runs before a package is packed or published, in its folder, by whatever command that was asked for: refuses what would
// make an incomplete package. What a registry would get is looked at once more in packages/release.
import { existsSync, readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

// Only pnpm puts versions where the manifest says `workspace:` or `catalog:`, and only it applies .pnpmfile.cjs.
if (!process.env.npm_config_user_agent?.startsWith('pnpm/')) {
  refuse('it can only be packed by pnpm: see docs/releasing.md');
}
const { main, types, exports, typesVersions, bin, publishConfig } = manifest;
// What a package for one platform must have: the files that are built for that platform.
const executables = named(publishConfig?.executableFiles);
for (const file of [...named([main, types, exports, typesVersions, bin]), ...executables]) {
  if (existsSync(file)) continue;
  const isOfTarget = file.endsWith('.node') || executables.includes(file);
  refuse(`${file} is missing: ${isOfTarget ? 'its target has not been built' : 'npm run build'}`);
}

function named(value) {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(named) : [];
}

function refuse(why) {
  console.error(`${manifest.name} is not packed: ${why}`);
  process.exit(1);
}
