/** Runs in Chromium: receives one camera as a WebRTC client does, and notes each picture that is presented. */
import { Device } from 'mediasoup-client';
import type { Consumer, Transport } from 'mediasoup-client/types';
import type { PresentedFrame, ViewerPage } from './viewer-requests.js';

// Named: it would not know Chromium without a window by itself.
const device = new Device({ handlerName: 'Chrome111' });
const frames: PresentedFrame[] = [];
const video = document.createElement('video');
let transport: Transport | undefined;
let consumer: Consumer | undefined;

const page: ViewerPage = {
  async load(routerRtpCapabilities) {
    await device.load({ routerRtpCapabilities });
    return device.recvRtpCapabilities;
  },

  open(options) {
    const opened = device.createRecvTransport(options);
    opened.on('connect', ({ dtlsParameters }, resolve, reject) => {
      window.connectTransport(dtlsParameters).then(resolve, reject);
    });
    transport = opened;
  },

  async play(options) {
    if (transport === undefined) throw new Error('no transport is open');
    const former = consumer;
    consumer = await transport.consume(options);
    video.srcObject = new MediaStream([consumer.track]);
    if (former === undefined) show();
    else former.close();
    await video.play();
  },

  async received() {
    let pictures = 0;
    (await consumer?.getStats())?.forEach((entry: { type: string; framesReceived?: number }) => {
      if (entry.type === 'inbound-rtp') pictures += entry.framesReceived ?? 0;
    });
    return pictures;
  },

  frames: () => ({ nowMs: wallClock(performance.now()), frames }),
};

function show(): void {
  Object.assign(video, { muted: true, autoplay: true });
  document.body.append(video);
  const note: VideoFrameRequestCallback = (now, { presentationTime, receiveTime }) => {
    frames.push({ presentedMs: wallClock(presentationTime), receivedMs: wallClock(receiveTime ?? now) });
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
}

function wallClock(ms: number): number {
  return performance.timeOrigin + ms;
}

window.viewerPage = page;
