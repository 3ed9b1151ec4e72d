// Draws the pictures of the documents from their text: each docs/*.dot becomes the svg beside it.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Graphviz } from '@hpcc-js/wasm-graphviz';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const graphviz = await Graphviz.load();
for (const name of readdirSync(docs).filter((file) => file.endsWith('.dot'))) {
  const svg = graphviz.dot(readFileSync(join(docs, name), 'utf8'));
  writeFileSync(join(docs, name.replace(/\.dot$/, '.svg')), svg);
}
