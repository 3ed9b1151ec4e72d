/**
 * One case's world: cameras, the host under test with its MediaSoup, the packet counter, readers; and the
 * clock against which faults are marked. Everything it starts carries the stage's mark in its environment, so
 * that whatever is left over is found wherever it has gone.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameSourceRef } from '@vas/frame-export/types';
import { AnsweringProcess } from '@vas/processes';
import type { AnsweringProcessOptions } from '@vas/processes';
import { RtspCamera } from '../camera/rtsp-camera.js';
import type { CameraOptions } from '../camera/rtsp-camera.js';
import { faultEnvironment } from '../host/faulty-addon.js';
import type { HostRequests, HostStatus, HostedCamera, Tap } from '../host/requests.js';
import type { OwnRouterRequests } from '../host/router-requests.js';
import { packageFolder } from '../package-folder.js';
import type { ReaderMode, ReaderRequests } from '../reader/requests.js';
import { BrowserViewers } from '../viewer/browser.js';
import type { Presented } from '../viewer/presented.js';
import { RtpCounter } from '../viewer/rtp-counter.js';
import type { StreamCount } from '../viewer/rtp-counter.js';

export const VIEWERS_PER_CAMERA = 3;
export const FRAMES_PER_SECOND = 25;

export const defaultCamera: CameraOptions = {
  width: 1280,
  height: 720,
  fps: FRAMES_PER_SECOND,
  keyInt: FRAMES_PER_SECOND,
};

/** Runs a command with what the others leave of the processors. */
export const LOWEST_PRIORITY: readonly string[] = ['nice', '-n', '19'];

export type HostProcess = AnsweringProcess<HostRequests>;
export type ReaderProcess = AnsweringProcess<ReaderRequests>;
type RouterProcess = AnsweringProcess<OwnRouterRequests>;

export interface StageOptions {
  readonly cameras: number;
  readonly camera: CameraOptions;
  readonly tap: Tap;
  readonly isFlagOn: boolean;
  readonly ffmpeg: string | null;
  /** The binary that this comes to. */
  readonly ffmpegPath: string;
  /** More viewers' ports, for hosts that a case starts beside the one under test. */
  readonly sparePorts: number;
  /** Viewers of each camera in a browser, beside those on plain transports. */
  readonly browsersPerCamera: number;
  /** Whether FFmpeg writes the raw frames so that it depends on nobody who reads them; `false`: to a bare pipe. */
  readonly isTapIsolated: boolean;
  /** Whether the case has to fail. */
  readonly isControl: boolean;
  /** Whether MediaSoup runs in a process of its own, which survives the host. */
  readonly isRouterApart: boolean;
  /** Whether each camera's FFmpeg takes commands from a named pipe. */
  readonly takesCommands: boolean;
  /** How the native file of the host fails on purpose, as `VAS_FAULT` takes it; `null`: not at all. */
  readonly fault: string | null;
  /** How the base folder is mounted, in a mount namespace of the host's own; `null`: not at all. */
  readonly baseMount: string | null;
}

/** What another host of the stage has different from the one under test. */
export interface HostVariant extends Partial<Pick<StageOptions, 'tap' | 'isFlagOn'>> {
  /** What runs the host: its command follows as the last arguments. */
  readonly launcher?: readonly string[];
}

/** The folders of all stages; what an interrupted run leaves of them is removed when it ends. */
const folders = new Set<string>();

export function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** Something that happened during the measurement. */
export interface Mark {
  readonly label: string;
  /** Since the measurement began. */
  readonly atMs: number;
  /** The cameras whose streams the case itself interrupts here; empty for none. */
  readonly interrupts: readonly string[];
}

export class Stage {
  readonly baseDir: string;
  readonly cameras: readonly StagedCamera[];
  readonly #options: StageOptions;
  readonly #folder: string;
  readonly #counter: RtpCounter;
  readonly #processes: (HostProcess | ReaderProcess | RouterProcess)[] = [];
  #router: RouterProcess | null = null;
  #browser: BrowserViewers | null = null;
  readonly #marks: Mark[] = [];
  #host: HostProcess | undefined;
  #begunMs = 0;

  private constructor(options: StageOptions, counter: RtpCounter, cameras: readonly RtspCamera[]) {
    this.#options = options;
    this.#counter = counter;
    this.#folder = mkdtempSync(join(tmpdir(), 'vas-e2e-'));
    this.baseDir = mkdtempSync('/dev/shm/vas-e2e-');
    folders.add(this.#folder).add(this.baseDir);
    this.cameras = cameras.map((camera, index) => ({
      camera,
      hosted: {
        cameraId: `cam-${index + 1}`,
        input: camera.url,
        viewerPorts: counter.ports.slice(index * VIEWERS_PER_CAMERA, (index + 1) * VIEWERS_PER_CAMERA),
        recordingDir: join(this.#folder, `cam-${index + 1}`, 'recording'),
        frameHashDir:
          options.tap === 'frame-export' ? join(this.#folder, `cam-${index + 1}`, 'hashes') : null,
        commandPipe: options.takesCommands ? this.#namedPipe(`cam-${index + 1}-commands`) : null,
        router: null,
      },
    }));
  }

  /** Whether the camera's frames are exported. */
  get isTapped(): boolean {
    return this.#options.tap === 'frame-export' && this.#options.isFlagOn;
  }

  /** Whether FFmpeg drops frames of its raw output instead of waiting for who reads it. */
  get isTapIsolated(): boolean {
    return this.#options.isTapIsolated;
  }

  /** Starts the cameras, the counter and the host, and waits until every viewer receives packets. */
  static async set(options: StageOptions): Promise<Stage> {
    const counter = await RtpCounter.start(options.cameras * VIEWERS_PER_CAMERA + options.sparePorts);
    const cameras: RtspCamera[] = [];
    try {
      for (let index = 0; index < options.cameras; index += 1)
        cameras.push(await RtspCamera.start(options.camera));
    } catch (error) {
      await Promise.all([counter.stop(), ...cameras.map((camera) => camera.stop())]);
      throw error;
    }
    const stage = new Stage(options, counter, cameras);
    try {
      if (options.isRouterApart) stage.#router = stage.#startRouter();
      stage.#host = await stage.startHost(await stage.hostedCameras());
      await stage.#flowing();
      if (options.browsersPerCamera > 0) await stage.#openBrowser(options.browsersPerCamera);
      return stage;
    } catch (error) {
      await stage.strike();
      throw error;
    }
  }

  get ffmpeg(): string | null {
    return this.#options.ffmpeg;
  }

  get ffmpegPath(): string {
    return this.#options.ffmpegPath;
  }

  /** How long after the start of an FFmpeg every viewer has video again; a browser may distrust its time stamps. */
  get recoveryMs(): number {
    return this.#options.browsersPerCamera > 0 ? 9_000 : 6_000;
  }

  get isControl(): boolean {
    return this.#options.isControl;
  }

  get host(): HostProcess {
    if (this.#host === undefined) throw new Error('the host was not started');
    return this.#host;
  }

  get marks(): readonly Mark[] {
    return this.#marks;
  }

  /** The camera that most cases are about. */
  get first(): StagedCamera {
    const [first] = this.cameras;
    if (first === undefined) throw new Error('there is no camera');
    return first;
  }

  /** Ports of viewers that no camera of the host under test sends to. */
  get sparePorts(): readonly number[] {
    return this.#counter.ports.slice(this.cameras.length * VIEWERS_PER_CAMERA);
  }

  /** A folder of the stage's own that is gone afterwards. */
  folder(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  source(cameraId = this.first.hosted.cameraId): FrameSourceRef {
    return { cameraId, path: join(this.baseDir, cameraId), layoutVersion: 1 };
  }

  /** The cameras of the host under test, as they stand now: their streams go on where they are. */
  async hostedCameras(): Promise<readonly HostedCamera[]> {
    const router = this.#router;
    if (router === null) return this.cameras.map(({ hosted }) => hosted);
    return Promise.all(
      this.cameras.map(async ({ hosted }) => {
        const ingest = await router.ask('addCamera', hosted);
        const sequence = await router.ask('nextSequence', hosted);
        return { ...hosted, router: { ingest, sequence } };
      }),
    );
  }

  /** Starts a host with these cameras; the one under test has all of the stage. */
  async startHost(cameras: readonly HostedCamera[], variant: HostVariant = {}): Promise<HostProcess> {
    const { isFlagOn, tap, ffmpeg, baseMount, fault, isTapIsolated } = { ...this.#options, ...variant };
    const host: HostProcess = new AnsweringProcess(program('host-process'), {
      env: { AI_FRAME_EXPORT_ENABLED: String(isFlagOn), ...(fault === null ? {} : faultEnvironment(fault)) },
      execArgv: ['--expose-gc'],
      launcher:
        variant.launcher ?? (baseMount === null ? [] : mountNamespace(`${baseMount} ${this.baseDir}`)),
      stderr: 'keep',
    });
    this.#processes.push(host);
    await host.ask('start', { cameras, tap, isTapIsolated, baseDir: this.baseDir, ffmpeg });
    return host;
  }

  /** The host under test is another process from now on. */
  async replaceHost(): Promise<void> {
    this.#host = await this.startHost(await this.hostedCameras());
  }

  /** A reader that does nothing yet. */
  idleReader({ launcher = [] }: Pick<AnsweringProcessOptions, 'launcher'> = {}): ReaderProcess {
    const reader: ReaderProcess = new AnsweringProcess(program('reader-process'), {
      launcher,
      stderr: 'keep',
    });
    this.#processes.push(reader);
    return reader;
  }

  /**
   * A racing reader takes all the time it gets. Many of them starve a small machine whatever they do, which would
   * prove nothing about frames: they race with what the others leave.
   */
  async reader(mode: ReaderMode, cameraId?: string): Promise<ReaderProcess> {
    const reader = this.idleReader({ launcher: mode === 'race' ? LOWEST_PRIORITY : [] });
    await reader.ask('start', { source: this.source(cameraId), mode });
    return reader;
  }

  async status(): Promise<HostStatus> {
    return this.host.ask('status');
  }

  /** Forgets the packets so far: the measurement begins now. */
  async begin(): Promise<void> {
    await this.#browser?.begin();
    this.#begunMs = await this.#counter.begin();
  }

  /** Milliseconds since the measurement began. */
  get nowMs(): number {
    return Date.now() - this.#begunMs;
  }

  /** Notes that something is done now. */
  mark(label: string): void {
    this.#marks.push({ label, atMs: this.nowMs, interrupts: [] });
  }

  /** Notes that something is done now which interrupts these cameras: their next pause is not ours. */
  markInterruption(label: string, cameraIds = this.cameras.map(({ hosted }) => hosted.cameraId)): void {
    this.#marks.push({ label, atMs: this.nowMs, interrupts: cameraIds });
  }

  /** What each viewer received so far, the spare ports last. */
  async counts(): Promise<readonly StreamCount[]> {
    return this.#counter.report();
  }

  /** What each viewer in a browser saw since the measurement began; empty without browsers. */
  async presented(): Promise<readonly Presented[]> {
    return (await this.#browser?.presentedSince(this.#begunMs)) ?? [];
  }

  /** Each viewer in a browser consumes its camera anew, as viewers do when their server gives them another producer. */
  async consumeAnew(): Promise<void> {
    await this.#browser?.consumeAnew(this.#router ?? this.host);
  }

  /** A picture of each browser's page, as PNG. */
  async screenshots(): Promise<readonly Buffer[]> {
    return (await this.#browser?.screenshots()) ?? [];
  }

  async capturePayloads(): Promise<void> {
    await this.#counter.capture();
  }

  async payloads(): Promise<readonly (readonly string[])[]> {
    return this.#counter.payloads();
  }

  /** Ends whatever still runs and removes the stage's folders, not the base folder: what is in it is judged. */
  async strike(): Promise<void> {
    await this.#browser?.stop();
    this.#browser = null;
    for (const process of this.#processes) {
      process.signal('SIGCONT');
      await process.stop();
    }
    await Promise.all(this.cameras.map(({ camera }) => camera.stop()));
    await this.#counter.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #namedPipe(name: string): string {
    const path = join(this.#folder, name);
    execFileSync('mkfifo', [path]);
    return path;
  }

  #startRouter(): RouterProcess {
    const router: RouterProcess = new AnsweringProcess(program('router-process'), { stderr: 'keep' });
    this.#processes.push(router);
    return router;
  }

  async #openBrowser(perCamera: number): Promise<void> {
    this.#browser = await BrowserViewers.start();
    const router = this.#router ?? this.host;
    for (const { hosted } of this.cameras) {
      for (let viewer = 0; viewer < perCamera; viewer += 1) await this.#browser.add(router, hosted.cameraId);
    }
  }

  async #flowing(): Promise<void> {
    const deadline = Date.now() + 15_000;
    const wanted = this.cameras.length * VIEWERS_PER_CAMERA;
    for (;;) {
      const counts = (await this.#counter.report()).slice(0, wanted);
      if (counts.every(({ packets }) => packets > FRAMES_PER_SECOND)) return;
      if (Date.now() > deadline) {
        const { cameras } = await this.status();
        throw new Error(`viewers receive nothing: ${JSON.stringify(cameras.map(({ events }) => events))}`);
      }
      await sleep(100);
    }
  }
}

export interface StagedCamera {
  readonly camera: RtspCamera;
  readonly hosted: HostedCamera;
}

/** Runs a command in a mount namespace of its own with one mount made in it; gone with the process. */
function mountNamespace(mount: string): readonly string[] {
  const namespaces = process.getuid?.() === 0 ? '-m' : '-rm';
  return ['unshare', namespaces, 'sh', '-c', `mount ${mount} && exec "$0" "$@"`];
}

/** A program of the suite, as it is built. */
function program(name: string): URL {
  return new URL(`dist/${name}.js`, packageFolder);
}
