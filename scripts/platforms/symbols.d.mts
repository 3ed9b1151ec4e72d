/** Sentences about a native file; none if it may be published for the platform `linux-<arch>-<libc>`. */
export function problemsOf(file: string, platform: string, host: { mayBeUnloaded: boolean }): string[];
