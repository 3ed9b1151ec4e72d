/** A folder of the cache that packages such as `twine==7.0.0` are installed in; its programs are in `bin`. */
export function fromPyPi(name: string, packages: readonly string[]): string;

/** A folder of the cache that a program of crates.io is installed in; it is in `bin`. */
export function fromCratesIo(program: string, version: string): string;

/** The compiler of a fixed day. */
export const NIGHTLY: string;

/** Fetches `NIGHTLY` with these components, if it is missing. */
export function nightly(...components: readonly string[]): void;
