/**
 * Projects of their own outside the repository, as a consumer has them: with packed packages and nothing else. The only
 * place that packs a package and installs it for a test.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandFailed, run } from './command.js';
import { compilerPath, type Compiler } from './compilers.js';
import { pack } from './pack.js';
import { ROOT } from './workspace.js';

export { COMPILERS, majorOf, type Compiler } from './compilers.js';

/** How a project loads: the `type` of its manifest. */
export type ModuleFormat = 'module' | 'commonjs';

/** Packs packages of the workspace by their folders, such as `packages/ring-buffer`. Must be removed. */
export class Tarballs {
  readonly folder = mkdtempSync(join(tmpdir(), 'vas-tarballs-'));
  readonly #paths = new Map<string, string>();

  of(...folders: readonly string[]): string[] {
    return folders.map((folder) => {
      const path = this.#paths.get(folder) ?? pack(join(ROOT, folder), this.folder);
      this.#paths.set(folder, path);
      return path;
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** An empty project in a temporary folder. Must be removed. */
export class Consumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'vas-consumer-'));

  constructor(format: ModuleFormat = 'module') {
    this.write('package.json', JSON.stringify({ name: 'consumer', private: true, type: format }));
  }

  /** Where an installed package stands. */
  installed(name: string): string {
    return join(this.folder, 'node_modules', name);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
    return run(command, args, { cwd: this.folder, env });
  }

  /** Installs tarballs by npm. Packages that only a registry has are left out if they are optional. */
  install(tarballs: readonly string[]): void {
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    // The platform packages of this version are not on any registry yet.
    this.run('npm', ['install', ...tarballs, '--omit=optional', ...quiet]);
  }

  /** Puts tarballs into place without installing what they depend on. */
  unpack(tarballs: Readonly<Record<string, string>>): void {
    for (const [name, path] of Object.entries(tarballs)) {
      mkdirSync(this.installed(name), { recursive: true });
      this.run('tar', ['-xzf', path, '--strip-components=1', '-C', this.installed(name)]);
    }
  }

  /** What a program prints, which is given as text. */
  evaluate(program: string, format: ModuleFormat = 'module', env: NodeJS.ProcessEnv = {}): string {
    return this.run(process.execPath, [`--input-type=${format}`, '-e', program], env).trim();
  }

  /**
   * Type-checks files strictly, the declarations of packages with them, and gives the compiler's complaints: none is ''.
   */
  typeCheck(
    compiler: Compiler,
    files: Readonly<Record<string, string>>,
    options: Readonly<Record<string, unknown>> = { module: 'nodenext' },
  ): string {
    for (const [file, text] of Object.entries(files)) this.write(file, text);
    const compilerOptions = {
      ...{ target: 'es2022', lib: ['es2022', 'dom'], types: [], noEmit: true },
      ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
      ...options,
    };
    this.write('tsconfig.json', JSON.stringify({ compilerOptions, files: Object.keys(files) }));
    try {
      return this.run(process.execPath, [compilerPath(compiler), '-p', '.']);
    } catch (error) {
      if (error instanceof CommandFailed) return error.output;
      throw error;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
