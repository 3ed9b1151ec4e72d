/** Breaking changes that must not be hidden by a dependency. */

/** A package in the plan of a release. */
export interface PlannedRelease {
  readonly name: string;
  readonly oldVersion: string;
  readonly newVersion: string;
}

/** Packages whose types hand on those of another. */
const HANDS_ON: Readonly<Record<string, string>> = { '@vas/frame-export': '@vas/ring-buffer' };

/** Where a release breaks what a package hands on, and the package does not say so by its own version. */
export function breakingProblems(releases: readonly PlannedRelease[]): string[] {
  const breaks = (name: string): boolean =>
    releases.some((release) => release.name === name && isBreaking(release));
  return Object.entries(HANDS_ON)
    .filter(([name, source]) => breaks(source) && !breaks(name))
    .map(
      ([name, source]) =>
        `${source} has a breaking change, and ${name} hands on its types: add a changeset for ${name} of the same kind`,
    );
}

/** By the rules of semantic versions: the first number that is not 0 says it. */
function isBreaking({ oldVersion, newVersion }: PlannedRelease): boolean {
  const leading = (version: string): string => /^(?:0\.)*\d+/.exec(version)?.[0] ?? version;
  return leading(oldVersion) !== leading(newVersion);
}
