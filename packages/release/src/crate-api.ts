/** The public API of each crate that is published as a file (D4), as `api-report.ts` has it for the npm packages. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromCratesIo, NIGHTLY, nightly } from '../../../scripts/platforms/toolchain.mjs';
import { run } from './command.js';

const PUBLIC_API = '0.52.0';

/** Crates by their folders in `rust-shm`, with the name that a program uses. */
export const CRATES: Readonly<Record<string, string>> = {
  protocol: 'vas_frame_protocol',
  picture: 'vas_frame_picture',
  segment: 'vas_frame_segment',
};

/** Which listings are not what the crates are. With `update` they are written instead. */
export function crateApiProblems(root: string, { update }: { update: boolean }): string[] {
  nightly();
  const program = join(fromCratesIo('cargo-public-api', PUBLIC_API), 'bin/cargo-public-api');
  const workspace = join(root, 'rust-shm');
  const targetDir = join(workspace, 'target/api');
  return Object.entries(CRATES).flatMap(([folder, name]) => {
    const rustdoc = ['rustdoc', '--quiet', '--package', name.replaceAll('_', '-'), '--lib'];
    const asJson = ['--', '-Z', 'unstable-options', '--output-format', 'json', '--cap-lints', 'allow'];
    run('cargo', [`+${NIGHTLY}`, ...rustdoc, '--target-dir', targetDir, ...asJson], { cwd: workspace });
    const json = join(targetDir, 'doc', `${name}.json`);
    // Without what every type has, and what the compiler alone decides.
    const omit = ['--omit', 'blanket-impls,auto-trait-impls'];
    return listingProblems(
      root,
      folder,
      run(program, ['--rustdoc-json', json, ...omit], { cwd: workspace }),
      update,
    );
  });
}

/** What is wrong with the committed listing of the crate in `folder`, which should say `listing`. */
export function listingProblems(root: string, folder: string, listing: string, update: boolean): string[] {
  const path = `rust-shm/${folder}/api.txt`;
  const file = join(root, path);
  if (update) {
    writeFileSync(file, listing);
    return [];
  }
  if (existsSync(file) && readFileSync(file, 'utf8') === listing) return [];
  return [
    `its API is not what ${path} says: npm run check-packages -- --crate-apis --update-api, and review it`,
  ];
}
