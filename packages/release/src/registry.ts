/** A registry of its own on loopback, as a process: packages of the scope `@vas` are its own, all others npm's. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './command.js';
import { ROOT } from './workspace.js';

const START_MS = 60_000;

export class Registry {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | null = null;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** A registry that keeps its packages in `folder`, not running yet. */
  static async in(folder: string): Promise<Registry> {
    mkdirSync(folder, { recursive: true });
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    probe.close();
    await once(probe, 'close');
    if (address === null || typeof address === 'string') throw new Error('there is no free port');
    return new Registry(folder, address.port);
  }

  /** The lines of an `.npmrc` that make it the registry of a project. */
  get npmrc(): string {
    return `registry=${this.url}/\n`;
  }

  /** What npm wants in its environment to publish there. Anybody may; it asks for a token all the same. */
  get credentials(): NodeJS.ProcessEnv {
    return { [`npm_config_//127.0.0.1:${this.#port}/:_authToken`]: 'rehearsal' };
  }

  /** Starts it. `refused`: packages that it does not let anybody publish. */
  async start(refused: readonly string[] = []): Promise<void> {
    const uplink = run('npm', ['config', 'get', 'registry'], { cwd: ROOT }).trim();
    const config = {
      storage: join(this.#folder, 'storage'),
      uplinks: { npm: { url: uplink, cache: true } },
      packages: {
        ...Object.fromEntries(refused.map((name) => [name, { access: '$all', publish: 'nobody' }])),
        '@vas/*': { access: '$all', publish: '$all', unpublish: '$all' },
        '**': { access: '$all', proxy: 'npm' },
      },
      max_body_size: '100mb',
      log: { type: 'stdout', format: 'json', level: 'warn' },
      web: { enable: false },
    };
    const file = join(this.#folder, 'config.json');
    // JSON is YAML as well.
    writeFileSync(file, JSON.stringify(config));
    const log = join(this.#folder, 'log');
    const output = openSync(log, 'a');
    const verdaccio = join(ROOT, 'packages/release/node_modules/verdaccio/bin/verdaccio');
    const child = spawn(
      process.execPath,
      [verdaccio, '--config', file, '--listen', `127.0.0.1:${this.#port}`],
      {
        cwd: this.#folder,
        stdio: ['ignore', output, output],
      },
    );
    this.#process = child;
    const deadline = Date.now() + START_MS;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the registry did not start:\n${readFileSync(log, 'utf8')}`);
      }
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child?.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/-/ping`)).ok;
    } catch {
      return false;
    }
  }
}
