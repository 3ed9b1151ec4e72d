/** A process of its own that receives the RTP of all cameras, as their viewers would, and counts it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { report } from '@vas/processes';
import { RtpReceptionCounter } from '../rtp-reception.js';
import { REPORT_MS } from './messages.js';
import type { ViewerMessage, ViewerTask } from './messages.js';
import { RateMeter } from './rate.js';
import { untilFinished } from './worker-process.js';

/** A burst of a whole key frame fits, as far as the system allows it. */
const RECEIVE_BUFFER_BYTES = 4 << 20;

const { streams } = JSON.parse(process.argv[2] ?? '') as ViewerTask;

const receivers = await Promise.all(
  Array.from({ length: streams }, async () => {
    const counter = new RtpReceptionCounter();
    const socket = createSocket('udp4', (datagram, sender) => {
      counter.accept(datagram, performance.now(), sender.port);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return { socket, counter, rate: new RateMeter() };
  }),
);

function message(): ViewerMessage {
  return {
    streams: receivers.map(({ counter, rate }) => {
      const reception = counter.reception();
      if (reception.packets > 0) rate.add(reception.packets, performance.now());
      return { ...reception, recentPacketsPerSecond: rate.recent, packetsPerSecond: rate.steady };
    }),
  };
}

async function receive(finishing: AbortSignal): Promise<ViewerMessage> {
  await report({ ports: receivers.map(({ socket }) => socket.address().port) } satisfies ViewerMessage);
  const reports = setInterval(() => void report(message()), REPORT_MS);
  if (!finishing.aborted) await once(finishing, 'abort');
  clearInterval(reports);
  for (const { socket } of receivers) socket.close();
  return message();
}

await untilFinished(receive);
