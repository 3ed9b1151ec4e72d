// A reader in a process of its own: follows one source, hashes every frame, reports when asked.
import { createHash } from 'node:crypto';
import { answerRequests } from '@vas/processes';
import { openFrameSource } from '@vas/frame-export/reader';

const [path] = process.argv.slice(2);
const source = openFrameSource({ cameraId: 'by-path', path, layoutVersion: 1 });
const frames = [];
const verdicts = [];
let picture = new Uint8Array(source.frameSizeBytes);
let missed = 0;

function poll() {
  for (;;) {
    const result = source.copyNext(picture);
    if (result.status !== 'frame') {
      if (result.status !== 'nothing-newer' && result.status !== verdicts.at(-1))
        verdicts.push(result.status);
      if (result.status !== 'nothing-newer' && source.reopen().status === 'reopened') {
        verdicts.push('reopened');
        picture = new Uint8Array(source.frameSizeBytes);
      }
      return;
    }
    missed += result.missed;
    const { frameId, timestampNs, width } = result.frame;
    const hash = createHash('md5').update(picture).digest('hex');
    frames.push({ frameId, ms: Number(timestampNs / 1000n) / 1000, width, hash });
  }
}
setInterval(poll, 4);

const actions = {
  report: () => ({ frames, missed, verdicts }),
  health: () => source.health(),
  // Stops in the middle of a read: the parent continues it.
  stopInRead: () =>
    source.lookAt(() => {
      process.kill(process.pid, 'SIGSTOP');
      return null;
    }, source.lastFrameId).status,
};

answerRequests(actions);
