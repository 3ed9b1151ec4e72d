/** Processes that play a part in a check. */
import { AnsweringProcess, runToEnd } from '@vas/processes';
import type { AnsweringProcessOptions } from '@vas/processes';
import type { CrowdMemberActions } from './processes/crowd-member.js';
import type { HostActions } from './processes/host.js';
import type { ReaderActions } from './processes/reader.js';
import type { TearReaderActions } from './processes/tear-reader.js';
import type { TearWriterActions } from './processes/tear-writer.js';

/** What each script of this package can be asked, by the name of its built file. */
interface Actions {
  readonly host: HostActions;
  readonly reader: ReaderActions;
  readonly 'tear-writer': TearWriterActions;
  readonly 'tear-reader': TearReaderActions;
  readonly 'crowd-member': CrowdMemberActions;
}

export class Actor<S extends keyof Actions> extends AnsweringProcess<Actions[S]> {
  constructor(script: S, options?: AnsweringProcessOptions) {
    super(new URL(`../dist/${script}.js`, import.meta.url), options);
  }
}

/** Runs a program that prints one line of JSON, to its end. */
export async function runForJson<T>(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  return JSON.parse(await runToEnd(command, args, { env })) as T;
}
