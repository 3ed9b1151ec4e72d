/** Viewers in a real Chromium: one page per viewer, each in a context of its own. */
import { readFile } from 'node:fs/promises';
import type { AnsweringProcess } from '@vas/processes';
import type * as ServerTypes from 'mediasoup/types';
import type * as ClientTypes from 'mediasoup-client/types';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import type { RouterRequests } from '../host/router-requests.js';
import { findChromium } from '../machine/chromium.js';
import { packageFolder } from '../package-folder.js';
import { presentedBetween } from './presented.js';
import type { Presented } from './presented.js';

/** Those that draw and receive as on a desk, and those that keep the browser off every network but loopback. */
const flags = [
  '--disable-gpu',
  '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-pings',
];

type Router = Pick<AnsweringProcess<RouterRequests>, 'ask'>;

interface Viewer {
  readonly cameraId: string;
  readonly page: Page;
  readonly transportId: string;
  readonly rtpCapabilities: ClientTypes.RtpCapabilities;
  consumerId: string | null;
  atBegin: { readonly consumerId: string | null; readonly received: number };
}

export class BrowserViewers {
  readonly #browser: Browser;
  readonly #viewers: Viewer[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<BrowserViewers> {
    const executablePath = findChromium();
    if (executablePath === null) throw new Error('there is no Chromium on the PATH');
    return new BrowserViewers(await chromium.launch({ executablePath, args: flags, chromiumSandbox: false }));
  }

  /** Opens a page that shows this camera; resolves when it presents pictures. */
  async add(router: Router, cameraId: string): Promise<void> {
    const context = await this.#browser.newContext({ viewport: { width: 640, height: 360 } });
    const page = await context.newPage();
    const transport = await router.ask('openTransport');
    await page.exposeFunction('connectTransport', (dtlsParameters: ServerTypes.DtlsParameters) =>
      router.ask('connectTransport', { transportId: transport.id, dtlsParameters }),
    );
    await page.setContent('<style>body { margin: 0 } video { width: 100vw }</style>');
    await page.addScriptTag({
      content: await readFile(new URL('dist/viewer-page.global.js', packageFolder), 'utf8'),
    });
    // MediaSoup and its client describe the same JSON, each with types of its own.
    const offered = (await router.ask('capabilities')) as ClientTypes.RtpCapabilities;
    const rtpCapabilities = await page.evaluate((offer) => window.viewerPage.load(offer), offered);
    await page.evaluate((options) => {
      window.viewerPage.open(options);
    }, transport as ClientTypes.TransportOptions);
    const viewer: Viewer = {
      cameraId,
      page,
      transportId: transport.id,
      rtpCapabilities,
      consumerId: null,
      atBegin: { consumerId: null, received: 0 },
    };
    await consume(router, viewer);
    await page.waitForFunction(() => window.viewerPage.frames().frames.length > 10);
    this.#viewers.push(viewer);
  }

  /** Each viewer takes a new consumer of its camera in place of the one that it has. */
  async consumeAnew(router: Router): Promise<void> {
    await Promise.all(this.#viewers.map((viewer) => consume(router, viewer)));
  }

  /** Pictures that arrive from now on count. */
  async begin(): Promise<void> {
    await Promise.all(
      this.#viewers.map(async (viewer) => {
        viewer.atBegin = { consumerId: viewer.consumerId, received: await received(viewer) };
      }),
    );
  }

  /** What each viewer saw since then, by the wall clock. */
  async presentedSince(fromMs: number): Promise<readonly Presented[]> {
    return Promise.all(
      this.#viewers.map(async (viewer) => {
        const { cameraId, page, consumerId, atBegin } = viewer;
        const { nowMs, frames } = await page.evaluate(() => window.viewerPage.frames());
        const arrived =
          consumerId === atBegin.consumerId ? (await received(viewer)) - atBegin.received : null;
        return presentedBetween(cameraId, frames, fromMs, nowMs, arrived);
      }),
    );
  }

  /** A picture of each viewer's page, as PNG. */
  async screenshots(): Promise<readonly Buffer[]> {
    return Promise.all(this.#viewers.map(({ page }) => page.screenshot()));
  }

  async stop(): Promise<void> {
    await this.#browser.close();
  }
}

function received({ page }: Viewer): Promise<number> {
  return page.evaluate(() => window.viewerPage.received());
}

async function consume(router: Router, viewer: Viewer): Promise<void> {
  const { page, transportId, cameraId, consumerId } = viewer;
  const rtpCapabilities = viewer.rtpCapabilities as ServerTypes.RtpCapabilities;
  const consumer = await router.ask('consume', { transportId, cameraId, rtpCapabilities });
  await page.evaluate((options) => window.viewerPage.play(options), consumer as ClientTypes.ConsumerOptions);
  if (consumerId !== null) await router.ask('closeConsumer', { consumerId });
  viewer.consumerId = consumer.id;
}
