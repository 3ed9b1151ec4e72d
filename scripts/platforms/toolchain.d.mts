/** A folder of the cache that packages such as `twine==7.0.0` are installed in; its programs are in `bin`. */
export function fromPyPi(name: string, packages: readonly string[]): string;
