/** Publishes self-identifying frames as fast as it can, one camera at a time. */
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExport, OpenCameraOptions } from '@vas/frame-export';
import { answerRequests } from '@vas/processes';
import { fill } from '../tear/self-identifying.js';

/** How long requests may wait. */
const BATCH_MS = 20;

let camera: CameraExport | null = null;
let published = 0;

function writeOn(current: CameraExport, picture: Uint8Array): void {
  if (camera !== current) return;
  const until = performance.now() + BATCH_MS;
  do {
    published += 1;
    fill(picture, published);
    const outcome = current.publish(picture, BigInt(published));
    if (outcome !== 'published') throw new Error(`frame ${published} is ${outcome}`);
  } while (performance.now() < until);
  setImmediate(writeOn, current, picture);
}

const actions = {
  start({ baseDir, camera: options }: { baseDir: string; camera: OpenCameraOptions }) {
    const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
    camera = exporter.openCamera(options);
    published = 0;
    setImmediate(writeOn, camera, new Uint8Array((options.width * options.height * 3) / 2));
    return camera.source.path;
  },
  stop() {
    camera?.close();
    camera = null;
    return published;
  },
};

export type TearWriterActions = typeof actions;

answerRequests(actions);
