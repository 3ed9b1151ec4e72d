// The least that a video server does to export a camera: one FFmpeg, started again whenever it ends.
import { execFileSync, spawn } from 'node:child_process';
import { createFrameExporter, rawVideoOutput } from '@vas/frame-export';

const { CAMERA_ID: cameraId, CAMERA_INPUT, CAMERA_SIZE } = process.env;
const [width, height] = CAMERA_SIZE.split('x').map(Number);
// Where the outputs of a real server stand: its recording, its live stream.
const outputs = ['-map', '0:v:0', '-c', 'copy', '-f', 'null', '-'];
const args = ['-nostdin', '-loglevel', 'warning', ...CAMERA_INPUT.split(' '), ...outputs];

const exporter = createFrameExporter();
let camera = null;
let raw = [];
try {
  const ffmpegVersion = execFileSync('ffmpeg', ['-version'], { encoding: 'utf8' });
  raw = rawVideoOutput({ width, height, ffmpegVersion });
  camera = exporter.openCamera({ cameraId, width, height });
} catch (error) {
  console.error(`no frame export: ${error.code} ${error.message}`); // The video goes on.
}

let ffmpeg;
let isStopping = false;
function start() {
  if (isStopping) return;
  const stdio = ['ignore', 'inherit', 'inherit'];
  const run = (fd) =>
    fd === null
      ? spawn('ffmpeg', args, { stdio })
      : spawn('ffmpeg', [...args, ...raw], { stdio: [...stdio, fd] });
  ffmpeg = camera === null ? run(null) : camera.attach(run);
  ffmpeg.once('close', () => setTimeout(start, 1000));
}
start();

process.once('SIGTERM', () => {
  isStopping = true;
  ffmpeg.kill('SIGTERM');
  exporter.close();
});
