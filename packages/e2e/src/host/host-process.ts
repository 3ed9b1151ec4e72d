/** The host under test, in a process of its own: cameras as the reference host runs them, and MediaSoup. */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameExporter } from '@vas/frame-export';
import { answerRequests } from '@vas/processes';
import { CameraHost, findFfmpeg, parseIngest } from '@vas/reference-host';
import { DataHandlerExporter } from './data-handler-tap.js';
import { frameThreads, mappedFiles, openDescriptors, surplus } from './leftovers.js';
import type {
  CameraStatus,
  HostLeftovers,
  HostRequests,
  HostSettings,
  HostStatus,
  HostedCamera,
} from './requests.js';
import { answersOf } from './router-requests.js';
import { VideoRouter } from './video-router.js';
import type { RtpIngest } from './video-router.js';

const START_TIMEOUT_MS = 15_000;
/** A drain ends when its FFmpeg has; descriptors that are closed asynchronously are gone by then as well. */
const SETTLE_MS = 3_000;

type EventAt = CameraStatus['events'][number];

class Host {
  readonly #settings: HostSettings;
  readonly #router: VideoRouter | null;
  readonly #exporter: FrameExporter | undefined;
  readonly #cameras = new Map<string, { host: CameraHost; events: EventAt[] }>();

  private constructor(
    settings: HostSettings,
    router: VideoRouter | null,
    exporter: FrameExporter | undefined,
  ) {
    this.#settings = settings;
    this.#router = router;
    this.#exporter = exporter;
  }

  static async start(settings: HostSettings): Promise<Host> {
    const isRouterElsewhere = settings.cameras.every(({ router }) => router !== null);
    const router = isRouterElsewhere ? null : await VideoRouter.start();
    const host = new Host(settings, router, await makeExporter(settings));
    await host.#startCameras();
    return host;
  }

  async #startCameras(): Promise<void> {
    const ffmpeg = await findFfmpeg(this.#settings.ffmpeg ?? undefined);
    for (const hosted of this.#settings.cameras) {
      const { cameraId, input, recordingDir, frameHashDir, commandPipe } = hosted;
      const { ingest: rtp, nextSequence } = await this.#route(hosted);
      mkdirSync(recordingDir, { recursive: true });
      if (frameHashDir !== null) mkdirSync(frameHashDir, { recursive: true });
      const events: EventAt[] = [];
      const camera = new CameraHost({
        cameraId,
        ffmpeg,
        ingest: parseIngest(input),
        rtp,
        nextSequence,
        recordingDir,
        ...(this.#exporter === undefined ? {} : { frameExporter: this.#exporter }),
        ...(frameHashDir === null ? {} : { frameHashDir }),
        ...(commandPipe === null ? {} : { commandPipe }),
        rawVideo: this.#settings.isTapIsolated ? {} : { form: 'bare', isIsolated: false },
        onEvent: (event) => events.push({ ...event, atMs: Date.now() }),
      });
      this.#cameras.set(cameraId, { host: camera, events });
      camera.start();
    }
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (const [cameraId, { host, events }] of this.#cameras) {
      while (host.ffmpegPid === undefined) {
        if (Date.now() > deadline) throw new Error(`${cameraId} does not start: ${JSON.stringify(events)}`);
        await sleep(20);
      }
    }
  }

  /** Where the camera's FFmpeg sends, and how its packets are numbered when it is started. */
  async #route({ cameraId, viewerPorts, router }: HostedCamera): Promise<{
    ingest: RtpIngest;
    nextSequence: () => Promise<number>;
  }> {
    if (router !== null)
      return { ingest: router.ingest, nextSequence: () => Promise.resolve(router.sequence) };
    const routed = await this.router.addCamera(cameraId);
    for (const port of viewerPorts) await routed.addViewer(port);
    return { ingest: routed.ingest, nextSequence: () => routed.nextSequence() };
  }

  get router(): VideoRouter {
    if (this.#router === null) throw new Error('MediaSoup is in a process of its own');
    return this.#router;
  }

  status(): HostStatus {
    return {
      cameras: [...this.#cameras].map(([cameraId, { host, events }]) => cameraStatus(cameraId, host, events)),
      workerPid: this.#router?.workerPid ?? null,
      mappedFiles: mappedFiles('self').filter((path) => path.endsWith('.node') || this.#isOfFramePath(path)),
      openFiles: openDescriptors('self').filter((path) => this.#isOfFramePath(path)),
    };
  }

  closeExport(cameraId: string): void {
    this.#cameras.get(cameraId)?.host.cameraExport?.close();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#cameras.values()].map(({ host }) => host.stop()));
    this.#exporter?.close();
    this.#router?.close();
  }

  #isOfFramePath(path: string): boolean {
    return path.startsWith(this.#settings.baseDir) || path.startsWith('/dev/shm/');
  }
}

/** Without the tap nothing of the packages is even imported: that is what the others are compared with. */
async function makeExporter({ tap, baseDir }: HostSettings): Promise<FrameExporter | undefined> {
  switch (tap) {
    case 'none':
      return undefined;
    case 'frame-export': {
      const { createFrameExporter } = await import('@vas/frame-export');
      return createFrameExporter({ baseDir });
    }
    case 'data-handler':
      return new DataHandlerExporter();
  }
}

function cameraStatus(cameraId: string, host: CameraHost, events: readonly EventAt[]): CameraStatus {
  const camera = host.cameraExport;
  return {
    cameraId,
    ffmpegPid: host.ffmpegPid ?? null,
    starts: host.starts,
    events,
    source: camera?.source ?? null,
    statistics: camera?.statistics() ?? null,
  };
}

async function collectGarbage(ms: number): Promise<{ collections: number }> {
  const until = performance.now() + ms;
  let collections = 0;
  while (performance.now() < until) {
    const garbage = Array.from({ length: 200_000 }, (_, index) => ({ index, text: `${index}` }));
    if (garbage.length > 0) globalThis.gc?.();
    collections += 1;
    // The event loop turns, as it does in a host that merely allocates too much.
    await sleep(0);
  }
  return { collections };
}

let host: Host | undefined;
let descriptorsBefore: readonly string[] = [];

function running(): Host {
  if (host === undefined) throw new Error('the host was not started');
  return host;
}

async function leftovers(): Promise<HostLeftovers> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const found: HostLeftovers = {
      descriptors: surplus(descriptorsBefore, openDescriptors('self')),
      mappings: running()
        .status()
        .mappedFiles.filter((path) => !path.endsWith('.node')),
      threads: frameThreads('self'),
    };
    const isClean = Object.values(found).every((entries: readonly string[]) => entries.length === 0);
    if (isClean || Date.now() > deadline) return found;
    await sleep(50);
  }
}

answerRequests<HostRequests>({
  ...answersOf(() => running().router),
  start: async (settings) => {
    descriptorsBefore = openDescriptors('self');
    host = await Host.start(settings);
  },
  status: () => running().status(),
  block: ({ ms }) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },
  eatMemory: () => {
    for (const eaten: Uint8Array[] = []; ;) eaten.push(new Uint8Array(16 << 20).fill(1));
  },
  collectGarbage: ({ ms }) => collectGarbage(ms),
  closeExport: ({ cameraId }) => {
    running().closeExport(cameraId);
  },
  stop: async () => {
    await running().stop();
    return leftovers();
  },
});
