/** Why the native file does not load, in the words of whoever refused it, and what to do about it. */

/** Packages of native files end in the C library that they were built for. */
export type CLibrary = 'gnu' | 'musl';

/**
 * A sentence about the file that was found first and refused, or about the one that is missing.
 *
 * @param cause what the generated loader threw: an error whose chain of causes has one error per attempt, the last
 *   attempt first
 */
export function explainLoadFailure(cause: unknown, arch: string, library: CLibrary): string {
  const refused = attempts(cause)
    .filter((words) => !words.startsWith('Cannot find module'))
    .at(-1);
  const name = `@vas/frame-export-linux-${arch}-${library}`;
  if (refused === undefined) {
    return (
      `the native file for linux-${arch}-${library} is not installed: install ${name}, which npm does by itself ` +
      'unless optional dependencies are switched off (npm install --include=optional)'
    );
  }
  return `the native file is there and does not load (${refused}): ${adviceFor(refused, name)}`;
}

function adviceFor(words: string, name: string): string {
  const version = /GLIBC_([\d.]+)['` ]* not found/.exec(words)?.[1];
  if (version !== undefined) {
    return `it needs glibc ${version} or later, and this system has an older one: use a newer system or image`;
  }
  if (/ld-linux|libc\.so\.6|libc\.musl|ld-musl|Error relocating|symbol not found/.test(words)) {
    return (
      'it was built for another C library than that of this system (glibc or musl): install the dependencies on ' +
      `the system that they run on, so that ${name} is chosen`
    );
  }
  // glibc says of a library for another processor that it cannot be opened.
  if (/invalid ELF header|too short|wrong ELF class|Exec format|file data|\.node: cannot open/i.test(words)) {
    return `the file is damaged or made for another processor: install ${name} again`;
  }
  if (/failed to map segment|Operation not permitted/.test(words)) {
    return 'the file system that it is on does not allow programs to run (mounted noexec): install it elsewhere';
  }
  if (words.includes('Permission denied')) return 'this user may not read it: correct its mode';
  return `install ${name} again; if that does not help, report these words`;
}

/** The first line of each attempt's message. The error that has the attempts as its causes is not an attempt. */
function attempts(cause: unknown): string[] {
  const messages: string[] = [];
  const seen = new Set<unknown>([cause]);
  for (let next = causeOf(cause); next !== undefined && !seen.has(next); next = causeOf(next)) {
    seen.add(next);
    messages.push(String((next as { message?: unknown }).message).split('\n', 1)[0] ?? '');
  }
  return messages;
}

/** Errors of other realms are no instances of this realm's `Error`. */
function causeOf(error: unknown): object | undefined {
  if (typeof error !== 'object' || error === null || !('cause' in error)) return undefined;
  return typeof error.cause === 'object' && error.cause !== null ? error.cause : undefined;
}
