/** What the tests of the host stand on: binaries, cameras, hosts, folders that go away, waiting for a fact. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { CameraHost } from '../src/camera-host.js';
import type { CameraHostEvent, CameraHostOptions } from '../src/camera-host.js';
import { findFfmpeg } from '../src/ffmpeg/binary.js';
import type { FfmpegBinary } from '../src/ffmpeg/binary.js';
import { RtpReceptionCounter } from '../src/rtp-reception.js';
import { SyntheticCamera } from '../src/synthetic-camera.js';

/** The FFmpeg of this machine, and the old one that a machine without any gets. */
export async function ffmpegBinaries(): Promise<{ name: string; ffmpeg: FfmpegBinary }[]> {
  const found = await findFfmpeg();
  const bundled = await findFfmpeg(undefined, { PATH: '' });
  const binaries = found.path === bundled.path ? [bundled] : [found, bundled];
  return binaries.map((ffmpeg) => ({ name: ffmpeg.version, ffmpeg }));
}

export function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'vas-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A TCP port of loopback that was free a moment ago. */
export async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function udpReceiver(): Promise<{ socket: Socket; port: number; counter: RtpReceptionCounter }> {
  const counter = new RtpReceptionCounter();
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (datagram, sender) => {
    counter.accept(datagram, performance.now(), sender.port);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => {
    socket.close();
  });
  return { socket, port: socket.address().port, counter };
}

/** Waits until `fact` holds. How long that may take is the business of the test's own time limit. */
export async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await sleep(20);
}

/** Starts a host that is stopped when the test ends, and keeps what it tells. */
export function startHost(options: Omit<CameraHostOptions, 'cameraId' | 'onEvent'>): {
  host: CameraHost;
  events: CameraHostEvent[];
} {
  const events: CameraHostEvent[] = [];
  const host = new CameraHost({ cameraId: 'cam', ...options, onEvent: (event) => events.push(event) });
  onTestFinished(() => host.stop());
  host.start();
  return { host, events };
}

export function startCamera(ffmpeg: FfmpegBinary, url: string, width = 320, height = 240): SyntheticCamera {
  const camera = new SyntheticCamera({ ffmpeg, url, width, height, framesPerSecond: 25 });
  onTestFinished(() => camera.stop());
  camera.start();
  return camera;
}

/** An address where a host can listen for a camera. */
export async function cameraUrl(): Promise<string> {
  return `rtsp://127.0.0.1:${await freeTcpPort()}/cam`;
}

export function rtpTo(port: number): CameraHostOptions['rtp'] {
  return { ip: '127.0.0.1', port, rtcpPort: port, payloadType: 101, ssrc: 7 };
}

export function started(
  events: readonly CameraHostEvent[],
): Extract<CameraHostEvent, { type: 'ffmpeg-started' }>[] {
  return events.filter((event) => event.type === 'ffmpeg-started');
}
