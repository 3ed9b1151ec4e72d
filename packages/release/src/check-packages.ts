/**
 * Checks what would be published: packs every package and looks at the tarballs, not at the source tree.
 *
 * `--targets all|host|NAME,...`: which platform packages; all by default, and one that is not built is refused.
 * `--as-built`: their binaries may be those of `npm run build`, which are for this machine alone.
 * `--update-api`: writes the API reports instead of holding the packages to them.
 * `--crate-apis`: the APIs of the crates as well; fetches a compiler of a fixed day and builds cargo-public-api.
 * `--bills FOLDER`: writes there what is in each binary and in the npm packages; builds cargo-cyclonedx.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apiProblems } from './api-report.js';
import { writeNativeBills, writeNpmBill } from './bill-of-materials.js';
import { crateApiProblems } from './crate-api.js';
import { problemsOf, versionProblems } from './gates.js';
import { licenceProblems } from './licences.js';
import { loadingProblems } from './loading.js';
import { pack, readTarball } from './pack.js';
import { platformsNamed, publishedOf, ROOT } from './workspace.js';

const { values } = parseArgs({
  options: {
    targets: { type: 'string', default: 'all' },
    'as-built': { type: 'boolean', default: false },
    'update-api': { type: 'boolean', default: false },
    'crate-apis': { type: 'boolean', default: false },
    bills: { type: 'string' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'vas-packages-'));
const problems: string[] = [];
let checks = 0;

function check(find: () => string[]): void {
  checks += 1;
  try {
    problems.push(...find());
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
}

try {
  check(() => versionProblems(ROOT));
  check(() => licenceProblems(join(ROOT, 'rust-shm')));
  const tarballs: string[] = [];
  for (const published of publishedOf(ROOT, platformsNamed(ROOT, values.targets))) {
    let path = '';
    check(() => {
      path = pack(join(ROOT, published.folder), folder);
      return problemsOf({ published, tarball: readTarball(path) }, ROOT, { asBuilt: values['as-built'] });
    });
    if (path === '') continue;
    tarballs.push(path);
    if (published.platform === null) check(() => loadingProblems(path));
  }
  const update = values['update-api'];
  check(() => apiProblems(ROOT, { update }));
  if (values['crate-apis']) check(() => crateApiProblems(ROOT, { update }));
  const { bills } = values;
  if (bills !== undefined) {
    check(() => writeNativeBills(ROOT, bills));
    check(() => writeNpmBill(tarballs, bills));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

for (const problem of problems) console.error(problem);
console.log(`${checks} package checks, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
