// Builds the documentation site: the pages of pages.mjs, with their links led to each other, and a reference from the
// docstrings. The site is static, searches without a network, and is not built if a link leads nowhere.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vitepress';
import './draw.mjs';
import { references, sections } from './pages.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const work = join(here, '.pages');
const pages = sections.flatMap((section) => section.pages).filter(({ from }) => existsSync(join(root, from)));
const pageOf = new Map(pages.map(({ from, to }) => [from, to]));
const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const sources = (typeof repository === 'string' ? repository : repository?.url)
  ?.replace(/^git\+/, '')
  .replace(/\.git$/, '');

rmSync(work, { recursive: true, force: true });
mkdirSync(join(work, 'public'), { recursive: true });
for (const { from, to } of pages) {
  mkdirSync(dirname(join(work, to)), { recursive: true });
  writeFileSync(join(work, to), withLinksLed(readFileSync(join(root, from), 'utf8'), from));
}
for (const name of references) {
  execFileSync(
    process.execPath,
    [
      join(here, 'node_modules/typedoc/bin/typedoc'),
      ...['--plugin', 'typedoc-plugin-markdown', '--out', join(work, 'reference', name)],
      ...['--readme', 'none', '--disableSources', '--hideBreadcrumbs', '--hidePageHeader'],
      ...[
        '--excludePrivate',
        '--excludeInternal',
        '--skipErrorChecking',
        '--validation.notExported',
        'false',
        '--treatWarningsAsErrors',
        '--logLevel',
        'Warn',
      ],
      ...['--tsconfig', join(root, 'packages', name, 'tsconfig.json'), '--name', `@vas/${name}`],
      ...entryPoints(name).flatMap((entry) => ['--entryPoints', join(root, 'packages', name, 'src', entry)]),
    ],
    { stdio: ['ignore', 2, 2], cwd: join(root, 'packages', name) },
  );
}
await build(here);
rmSync(work, { recursive: true, force: true });

function entryPoints(name) {
  return ['index.ts', 'reader.ts', 'types.ts'].filter((entry) =>
    existsSync(join(root, 'packages', name, 'src', entry)),
  );
}

/** Leads links to files that are pages to the pages, pictures into the site, and all others to the sources. */
function withLinksLed(markdown, from) {
  return markdown.replaceAll(
    /(!?)\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)/g,
    (link, mark, text, target, anchor = '') => {
      const path = normalize(join(dirname(from), target)).replace(/\/$/, '');
      if (!existsSync(join(root, path))) throw new Error(`${from}: ${target} leads nowhere`);
      const page = pageOf.get(path) ?? pageOf.get(`${path}/README.md`);
      if (page !== undefined) {
        const to = relative(dirname(pageOf.get(from)), page);
        return `[${text}](${to.startsWith('.') ? to : `./${to}`}${anchor})`;
      }
      if (mark === '!' || /\.(svg|png)$/.test(path)) {
        cpSync(join(root, path), join(work, 'public', basename(path)));
        return `${mark}[${text}](/${basename(path)})`;
      }
      const kind = statSync(join(root, path)).isDirectory() ? 'tree' : 'blob';
      return sources === undefined ? text : `[${text}](${sources}/${kind}/main/${path}${anchor})`;
    },
  );
}
