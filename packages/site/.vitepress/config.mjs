import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { references, sections } from '../pages.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const link = (to) => `/${to.replace(/(index)?\.md$/, '')}`;

export default {
  title: 'VAS Kernel packages',
  description,
  srcDir: '.pages',
  outDir: 'dist',
  cacheDir: '.pages/.cache',
  // In a folder or from a web server below any path.
  base: process.env.SITE_BASE ?? '/',
  cleanUrls: false,
  themeConfig: {
    search: { provider: 'local' },
    outline: 'deep',
    sidebar: [
      ...sections.map(({ title, pages }) => ({
        text: title,
        items: pages
          .filter(({ from }) => existsSync(join(root, from)))
          .map((page) => ({ text: page.title, link: link(page.to) })),
      })),
      {
        text: 'Reference',
        items: references.map((name) => ({ text: `@vas/${name}`, link: `/reference/${name}/` })),
      },
    ],
  },
};
