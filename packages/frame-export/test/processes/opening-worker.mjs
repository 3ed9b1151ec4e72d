// A worker thread that does nothing but open and close one source, until it is terminated in the middle of it.
import { parentPort, workerData } from 'node:worker_threads';
import { openFrameSource } from '@vas/frame-export/reader';

parentPort.postMessage('ready');
for (;;) openFrameSource(workerData).close();
