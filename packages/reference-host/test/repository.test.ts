/** What holds for the repository as a whole: every requirement has a proof, and the documents are true. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFrameExporter } from '@vas/frame-export';
import { ESLint } from 'eslint';
import { describe, expect, it, onTestFinished } from 'vitest';
import { read, root, tracked } from './work-tree.js';

function ids(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

const IDS = [
  ...ids('G', 11),
  ...ids('P1.', 8),
  ...ids('P2.', 19),
  ...ids('P3.', 11),
  ...ids('R', 4),
  ...ids('O', 4),
  ...ids('D', 4),
  ...ids('S', 7),
];

describe('docs/requirements.md', () => {
  const rows = new Map(
    read('docs/requirements.md')
      .split('\n')
      .map((line) => /^\| ([GPRODS][\d.]+) \|.*\|(.*)\|$/.exec(line))
      .filter((row) => row !== null)
      .map(([, id = '', proofs = '']) => [
        id,
        [...proofs.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
      ]),
  );

  it('lists every requirement', () => {
    expect([...rows.keys()]).toEqual(IDS);
  });

  it.each(IDS)('%s is proved where the table says, by a title that names it', (id) => {
    const paths = rows.get(id) ?? [];
    expect(paths).not.toEqual([]);
    // Test titles name an id as it is, functions in Rust and Python as p1_2_.
    const named = new RegExp(
      `\\b${id.replace('.', '\\.')}(?![.\\d])|(?:fn|def) (?:\\w+_)?${id.toLowerCase().replace('.', '_')}_`,
    );
    for (const path of paths) expect(read(path), path).toMatch(named);
  });
});

describe('docs/operating.md', () => {
  const rows = [...read('docs/operating.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);

  it('O3: has a row for every error code', () => {
    const codes = /const CODES = \[([^\]]*)\]/.exec(read('packages/frame-export/src/errors.ts'))?.[1] ?? '';
    const names = [...codes.matchAll(/'([A-Z_]+)'/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !rows.includes(name))).toEqual([]);
  });

  it('O3: has a row for every field of the statistics, and for none that there is not', () => {
    const fields = [
      ['camera-statistics.ts', 'CameraExportStatistics'],
      ['exporter-statistics.ts', 'FrameExporterTotals'],
      ['exporter-statistics.ts', 'FrameExporterStatistics'],
    ].flatMap(([file = '', name = '']) => {
      const text = read(`packages/frame-export/src/${file}`);
      const body = new RegExp(`^export interface ${name} {$([^]*?)^}$`, 'm').exec(text)?.[1] ?? '';
      return [...body.matchAll(/^ {2}readonly (\w+):/gm)].map(([, field]) => field);
    });
    expect(fields.length).toBeGreaterThan(20);
    const section = /^## Statistics$([^]*?)^## /m.exec(read('docs/operating.md'))?.[1] ?? '';
    const listed = [...section.matchAll(/^\| `(\w+)` \|.*\|.*\S.*\|$/gm)].map(([, field]) => field);
    expect(listed.sort()).toEqual([...new Set(fields)].sort());
  });

  it('O3: has a row for every health', () => {
    const words = [...read('rust-shm/cli/src/camera.rs').matchAll(/Health::\w+ => "(\w+)"/g)].map(
      ([, word]) => word,
    );
    expect(words.length).toBeGreaterThanOrEqual(7);
    expect([...words, 'absent', 'incompatible'].filter((word) => !rows.includes(word))).toEqual([]);
  });
});

describe('every file', () => {
  const texts = tracked().filter(
    (path) => !/\.(meta|data|png|svg|node)$|lock|^rust-shm\/fuzz\/(corpus|seeds)/.test(path),
  );

  it('G5: is free of emoji', () => {
    const emoji = /[\u{1F000}-\u{1FAFF}\u{2600}-\u{27BF}\u{2B50}\u{2B55}]/u;
    expect(texts.filter((path) => emoji.test(read(path)))).toEqual([]);
  });

  it('leads, where a document links to another, to a file that exists', () => {
    const broken = texts
      .filter((path) => path.endsWith('.md') && !path.startsWith('.changeset/'))
      .flatMap((path) =>
        [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
          .map(([, target = '']) => join(dirname(path), target))
          .filter((target) => !existsSync(join(root, target)))
          .map((target) => `${path} -> ${target}`),
      );
    expect(broken).toEqual([]);
  });
});

describe('the crates', () => {
  it('lint what is shipped alike, all of them', () => {
    const lints = [
      '#![warn(\n    missing_docs,\n    unreachable_pub,\n    clippy::unwrap_used,\n    clippy::expect_used,\n    clippy::panic\n)]',
      '#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]',
    ].join('\n');
    const members = /^members = \[(.*)\]$/m.exec(read('rust-shm/Cargo.toml'))?.[1] ?? '';
    const crates = [...members.matchAll(/"([\w-]+)"/g)].map(([, crate = '']) => crate);
    expect(crates.length).toBeGreaterThan(7);
    expect(crates.filter((crate) => !read(`rust-shm/${crate}/src/lib.rs`).includes(lints))).toEqual([]);
  });
});

describe('the imports', () => {
  it('are held free of circles by the lint', async () => {
    const folder = mkdtempSync(fileURLToPath(new URL('.circle-', import.meta.url)));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    for (const [from, to] of [
      ['first', 'second'],
      ['second', 'first'],
    ])
      writeFileSync(join(folder, `${from}.ts`), `export { ${to} as ${from} } from './${to}.js';\n`);
    const eslint = new ESLint({
      cwd: root,
      ruleFilter: ({ ruleId }) => ruleId === 'import-x/no-cycle',
      // The two files are of no project.
      overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
    });
    const results = await eslint.lintFiles([join(folder, '*.ts')]);
    expect(results.map(({ messages }) => messages.map(({ ruleId }) => ruleId))).toEqual([
      ['import-x/no-cycle'],
      ['import-x/no-cycle'],
    ]);
  });
});

describe('the published packages', () => {
  const published = ['ring-buffer', 'frame-export', 'ruth-core'];

  it.each(published)('G6: %s depends on nothing but packages of this repository', (name) => {
    const manifest = JSON.parse(read(`packages/${name}/package.json`)) as Record<
      string,
      Record<string, string> | undefined
    >;
    const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies'];
    const names = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}));
    expect(names.filter((dependency) => !dependency.startsWith('@vas/'))).toEqual([]);
  });

  it.each(published)('G3: %s may import no network, no process and no file system', async (name) => {
    const eslint = new ESLint({ cwd: root });
    const file = join(root, `packages/${name}/src/index.ts`);
    for (const module of [
      'node:net',
      'node:http',
      'node:dgram',
      'node:child_process',
      'node:fs',
      'ws',
      'ioredis',
    ]) {
      const [result] = await eslint.lintText(
        `import * as forbidden from '${module}';\nexport { forbidden };\n`,
        {
          filePath: file,
        },
      );
      const rules = result?.messages.map(({ ruleId }) => ruleId) ?? [];
      expect(rules, module).toEqual(
        expect.arrayContaining([expect.stringMatching(/no-restricted-imports$/)]),
      );
    }
  });

  it('G3: the native code opens no socket', () => {
    const sources = tracked().filter((path) =>
      /^rust-shm\/(protocol|segment|drain|node-binding)\/src\/.*\.rs$/.test(path),
    );
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.filter((path) => /std::net|std::os::unix::net|\bsocket\(/.test(read(path)))).toEqual([]);
  });

  it('G8: every ordering in the protocol has its reason at the place where it is made', () => {
    const made = /^\s*(?:self\.\w+ = )?(?:release_fence|acquire_fence|release_store|fence)\(/;
    const sources = tracked().filter((path) =>
      /^(rust-shm\/protocol\/src\/(writer|reader|header)\.rs|packages\/ring-buffer\/src\/(writer|reader)\.ts)$/.test(
        path,
      ),
    );
    const places = sources.flatMap((path) => {
      const lines = read(path).split('\n');
      return lines.flatMap((line, index) =>
        made.test(line) ? [lines.slice(Math.max(0, index - 4), index).join('\n')] : [],
      );
    });
    expect(places.length).toBeGreaterThan(10);
    for (const before of places) expect(before).toContain('ORDER ');
  });
});

describe('packages/frame-export/README.md', () => {
  it('G11: has an example of many cameras in one loop that runs as it stands', async () => {
    const baseDir = mkdtempSync('/dev/shm/vas-test-');
    const scripts = mkdtempSync(fileURLToPath(new URL('.example-', import.meta.url)));
    const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
    onTestFinished(() => {
      exporter.close();
      rmSync(baseDir, { recursive: true, force: true });
      rmSync(scripts, { recursive: true, force: true });
    });
    const example =
      /<!-- example: frames -->\n```js\n([^]*?)```/.exec(read('packages/frame-export/README.md'))?.[1] ?? '';
    const script = join(scripts, 'frames.mjs');
    writeFileSync(
      script,
      example.replace(/cameraId: '\w+' }/g, (camera) => `baseDir: '${baseDir}', ${camera}`),
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const cameras = ['entrance', 'yard'].map((cameraId) =>
      exporter.openCamera({ cameraId, width: 64, height: 48 }),
    );
    const picture = new Uint8Array(64 * 48 * 1.5).fill(7);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = once(child, 'close');
    const publishing = setInterval(() => {
      for (const camera of cameras) camera.publish(picture);
      if (output.includes('entrance') && output.includes('yard'))
        for (const camera of cameras) camera.close();
    }, 20);
    onTestFinished(() => {
      clearInterval(publishing);
    });
    expect(await ended, 'the loop ends with its cameras, and the process with the loop').toEqual([0, null]);
    expect(output.trim().split('\n').at(0)).toMatch(/^(entrance|yard) \d+ 7 missed \d+$/);
  });
});

describe('README.md', () => {
  it('G11: has an example of writer and reader that runs as it stands', async () => {
    const baseDir = mkdtempSync('/dev/shm/vas-test-');
    const scripts = mkdtempSync(fileURLToPath(new URL('.example-', import.meta.url)));
    onTestFinished(() => {
      rmSync(baseDir, { recursive: true, force: true });
      rmSync(scripts, { recursive: true, force: true });
    });
    const start = (name: string): { ended: Promise<unknown>; output: () => string } => {
      const code =
        new RegExp(`<!-- example: ${name} -->\n\`\`\`js\n([^]*?)\`\`\``).exec(read('README.md'))?.[1] ?? '';
      const script = join(scripts, `${name}.mjs`);
      // Only the folder differs: tests keep out of the default one.
      writeFileSync(
        script,
        code
          .replace('createFrameExporter()', `createFrameExporter({ baseDir: '${baseDir}' })`)
          .replace("cameraId: 'entrance' }", `cameraId: 'entrance', baseDir: '${baseDir}' }`),
      );
      const child = spawn(process.execPath, [script], {
        env: { ...process.env, AI_FRAME_EXPORT_ENABLED: 'true' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => {
        child.kill('SIGKILL');
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      return { ended: once(child, 'close'), output: () => output };
    };
    const reader = start('reader');
    const writer = start('writer');
    expect(await writer.ended).toEqual([0, null]);
    expect(await reader.ended).toEqual([0, null]);
    const lines = reader.output().trim().split('\n');
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.at(-1)).toMatch(/^7\d \d+ missed \d+$/);
  });
});
