/**
 * One peer at work in Node, as `rust/src/main.rs`: `node-peer.js vas-frames publish FOLDER`, `node-peer.js vas-frames read
 * FOLDER REPORT [--check] [--hold-ms N]`, `node-peer.js worker publish FOLDER`.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndRequest, PublishAnswer, PublishRequest, ReadRequest } from '../protocol.js';
import { Pictures } from './picture.js';
import { SharedBlock } from './shared-block.js';
import { openCamera, readFrames } from './vas-frames.js';

/** The one who has frames. */
export interface Publisher {
  publish(picture: Uint8Array): void;
}

async function publish(
  publisher: Publisher,
  request: PublishRequest,
  next: () => Buffer,
): Promise<PublishAnswer> {
  const publishUs: number[] = [];
  let errors = 0;
  let firstError: string | null = null;
  const start = performance.now();
  for (let frame = 0; frame < request.frames; frame += 1) {
    const dueMs = start + (frame * request.interval_us) / 1000;
    if (request.interval_us > 0) await sleep(Math.max(0, dueMs - performance.now()));
    const picture = next();
    const called = process.hrtime.bigint();
    try {
      publisher.publish(picture);
    } catch (error) {
      errors += 1;
      firstError ??= String(error);
    }
    publishUs.push(Number(process.hrtime.bigint() - called) / 1000);
  }
  return { publish_us: publishUs, errors, first_error: firstError };
}

async function serve(publisher: Publisher, readers?: SharedBlock): Promise<void> {
  const pictures = new Pictures();
  let id = 0;
  const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as PublishRequest | ReadRequest | EndRequest;
    if ('frames' in request) {
      say(await publish(publisher, request, () => pictures.stamped((id += 1))));
    } else if ('read' in request) {
      readers?.startReader(request.read);
      say({ pid: process.pid });
    } else {
      await readers?.endReaders(request.end);
      say({ ended: true });
    }
  }
  process.exit();
}

const [peer, part, folder = '', report = '', ...options] = process.argv.slice(2);
if (peer === 'worker') {
  const block = new SharedBlock();
  await serve(block, block);
} else if (part === 'publish') {
  await serve(openCamera(folder));
} else {
  await readFrames(folder, report, options);
}
