// A worker thread that writes and reads one camera.
import { parentPort, workerData } from 'node:worker_threads';
import { createFrameExporter } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';

const { baseDir, cameraId } = workerData;
const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
const camera = exporter.openCamera({ cameraId, width: 64, height: 48 });
const source = openFrameSource({ baseDir, cameraId });
camera.publish(new Uint8Array(64 * 48 * 1.5).fill(7));
parentPort.postMessage({ isFresh: source.lookNext((picture) => picture[0] === 7).value === true });
setInterval(() => {}, 1000);
