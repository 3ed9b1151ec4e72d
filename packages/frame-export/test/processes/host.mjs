// A video server reduced to its frame export: does what it is told by messages.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { answerRequests } from '@vas/processes';
import { createFrameExporter } from '@vas/frame-export';

const exporter = createFrameExporter({ baseDir: process.argv[2] });
const cameras = new Map();
const ffmpegs = new Map();

const actions = {
  open(options) {
    const camera = exporter.openCamera(options);
    cameras.set(options.cameraId, camera);
    return camera.source;
  },
  start({ cameraId, command = 'ffmpeg', args }) {
    const ffmpeg = cameras
      .get(cameraId)
      .attach((fd) => spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', fd] }));
    ffmpegs.set(cameraId, ffmpeg);
    return ffmpeg.pid;
  },
  async waitForFfmpeg({ cameraId }) {
    const ffmpeg = ffmpegs.get(cameraId);
    if (ffmpeg.exitCode === null && ffmpeg.signalCode === null) await once(ffmpeg, 'exit');
    return { code: ffmpeg.exitCode, signal: ffmpeg.signalCode };
  },
  changeGeometry({ cameraId, width, height }) {
    cameras.get(cameraId).changeGeometry({ width, height });
  },
  block({ ms }) {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },
  statistics({ cameraId }) {
    return cameras.get(cameraId).statistics();
  },
  close({ cameraId }) {
    cameras.get(cameraId).close();
  },
  exit() {
    process.exit();
  },
  publishForever({ cameraId, sizeBytes }) {
    const picture = new Uint8Array(sizeBytes);
    let frame = 0;
    setInterval(() => {
      picture.fill(++frame & 0xff);
      cameras.get(cameraId).publish(picture);
    }, 5);
  },
};

answerRequests(actions);
