/** Which strings are camera ids and model ids. They are keys here, never paths, addresses or code. */
import { quoted, RuthError } from './error.js';

// The rule of `@vas/frame-export`, where a camera id becomes the name of a folder.
const CAMERA_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

// Wide enough for what models are called: `yolov8n.pt`, `org/model:tag`, `registry:5000/model@sha256:...`.
const MODEL_ID = /^[A-Za-z0-9_][A-Za-z0-9._:@/+-]{0,254}$/;

/** @throws RuthError `BAD_CAMERA_ID` */
export function checkCameraId(cameraId: unknown): asserts cameraId is string {
  if (typeof cameraId === 'string' && CAMERA_ID.test(cameraId)) return;
  throw new RuthError(
    'BAD_CAMERA_ID',
    `camera id ${quoted(cameraId)} is not 1 to 64 characters of A-Z a-z 0-9 . _ - beginning with no dot`,
  );
}

/** @throws RuthError `BAD_MODEL_ID` */
export function checkModelId(modelId: unknown): asserts modelId is string {
  if (typeof modelId === 'string' && MODEL_ID.test(modelId)) return;
  throw new RuthError(
    'BAD_MODEL_ID',
    `model id ${quoted(modelId)} is not 1 to 255 characters of A-Z a-z 0-9 . _ : @ / + - ` +
      'beginning with a letter, a digit or _',
  );
}
