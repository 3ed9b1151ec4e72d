// Looks at the built site as a person does: a real browser, from a server on loopback, without a network. Every page is
// opened, the search is asked, a picture is taken if a file is named.
//
//   node packages/site/look.mjs [picture.png]
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const dist = fileURLToPath(new URL('dist', import.meta.url));
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
if (executablePath === undefined) {
  console.error('error: no Chromium here: apt-get install chromium');
  process.exit(1);
}
if (!existsSync(dist)) {
  console.error('error: the site is not built: npm run docs');
  process.exit(1);
}

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};
const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
  const file = join(dist, path.endsWith('/') ? `${path}index.html` : path);
  if (!file.startsWith(dist) || !existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const problems = [];
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const browser = await chromium.launch({ executablePath, args: flags });
let looked = 0;
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${page.url()}: ${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:'))
      problems.push(`${page.url()}: asks ${request.url()}, which is not of the site`);
  });
  const files = readdirSync(dist, { recursive: true }).filter(
    (name) => name.endsWith('.html') && name !== '404.html',
  );
  for (const name of files) {
    await page.goto(`${origin}/${name}`, { waitUntil: 'load' });
    looked += 1;
    if ((await page.locator('main h1').count()) === 0) problems.push(`${name}: shows no heading`);
    // A fragment that no element has: the link goes to the right page and to nothing on it.
    for (const href of await page
      .locator('main a[href*="#"]')
      .evaluateAll((links) => links.map((link) => link.href))) {
      const [target, anchor] = href.split('#');
      if (
        target === page.url().split('#')[0] &&
        anchor !== '' &&
        !(await page.locator(`[id="${decodeURIComponent(anchor)}"]`).count())
      )
        problems.push(`${name}: #${anchor} is nowhere`);
    }
  }
  await page.goto(origin, { waitUntil: 'load' });
  if (process.argv[2] !== undefined) await page.screenshot({ path: process.argv[2] });
  await page.locator('.VPNavBarSearch button').first().click();
  await page.locator('#localsearch-input').fill('heartbeat');
  const found = page.locator('#localsearch-list a');
  await found
    .first()
    .waitFor({ timeout: 10_000 })
    .catch(() => problems.push('the search for heartbeat finds nothing'));
} finally {
  await browser.close();
  server.close();
}
for (const problem of problems) console.error(`error: ${problem}`);
console.log(`${looked} pages looked at, ${problems.length} problems`);
process.exitCode = problems.length === 0 && looked > 10 ? 0 : 1;
