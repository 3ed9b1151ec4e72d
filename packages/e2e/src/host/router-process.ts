/** MediaSoup in a process of its own: viewers stay connected whatever becomes of the host. */
import { answerRequests } from '@vas/processes';
import { answersOf } from './router-requests.js';
import type { OwnRouterRequests } from './router-requests.js';
import { VideoRouter } from './video-router.js';

const router = await VideoRouter.start();

answerRequests<OwnRouterRequests>({
  ...answersOf(() => router),
  async addCamera({ cameraId, viewerPorts }) {
    const known = router.findCamera(cameraId);
    if (known !== undefined) return known.ingest;
    const camera = await router.addCamera(cameraId);
    for (const port of viewerPorts) await camera.addViewer(port);
    return camera.ingest;
  },
  nextSequence: ({ cameraId }) => router.camera(cameraId).nextSequence(),
});
