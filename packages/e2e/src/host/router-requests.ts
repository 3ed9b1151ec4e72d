/** What a process that has MediaSoup can be asked by those who set up its viewers. */
import type { DtlsParameters, RtpCapabilities } from 'mediasoup/types';
import type { BrowserConsumer, BrowserTransport, RtpIngest, VideoRouter } from './video-router.js';

export interface RouterRequests {
  /** What the router can send, for a browser to choose from. */
  readonly capabilities: () => RtpCapabilities;
  readonly openTransport: () => Promise<BrowserTransport>;
  readonly connectTransport: (argument: {
    readonly transportId: string;
    readonly dtlsParameters: DtlsParameters;
  }) => Promise<void>;
  readonly consume: (argument: {
    readonly transportId: string;
    readonly cameraId: string;
    readonly rtpCapabilities: RtpCapabilities;
  }) => Promise<BrowserConsumer>;
  readonly closeConsumer: (argument: { readonly consumerId: string }) => void;
}

/** What a router in a process of its own can be asked as well. */
export interface OwnRouterRequests extends RouterRequests {
  /**
   * Makes the camera and its viewers on plain transports, unless they are there already; the answer is where its
   * FFmpeg has to send.
   */
  readonly addCamera: (argument: {
    readonly cameraId: string;
    readonly viewerPorts: readonly number[];
  }) => Promise<RtpIngest>;
  /** The sequence number with which the camera's stream goes on. */
  readonly nextSequence: (argument: { readonly cameraId: string }) => Promise<number>;
}

export function answersOf(router: () => VideoRouter): RouterRequests {
  return {
    capabilities: () => router().capabilities,
    openTransport: () => router().openTransport(),
    connectTransport: ({ transportId, dtlsParameters }) =>
      router().connectTransport(transportId, dtlsParameters),
    consume: ({ transportId, cameraId, rtpCapabilities }) =>
      router().consume(transportId, cameraId, rtpCapabilities),
    closeConsumer: ({ consumerId }) => {
      router().closeConsumer(consumerId);
    },
  };
}
