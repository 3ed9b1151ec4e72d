/**
 * MediaSoup as a video server uses it: one worker, one router, per camera an ingest with its producer, per
 * viewer a consumer. Its lifecycle is its own: nothing here knows of the frame path, and the frame path knows
 * of nothing here.
 */
import { createSocket } from 'node:dgram';
import * as mediasoup from 'mediasoup';
import type {
  Consumer,
  ConsumerOptions,
  DtlsParameters,
  PlainTransport,
  Producer,
  Router,
  RtpCapabilities,
  RtpCodecCapability,
  WebRtcTransport,
  Worker,
} from 'mediasoup/types';

const LOOPBACK = '127.0.0.1';

/** A burst of a whole key frame fits; with the default some packets of the first one are lost. */
const INGEST_BUFFER_BYTES = 4 << 20;

const PAYLOAD_TYPE = 101;

/** With which the first FFmpeg of a camera begins. */
const FIRST_SEQUENCE = 1;

const h264 = {
  kind: 'video',
  mimeType: 'video/H264',
  clockRate: 90_000,
  preferredPayloadType: PAYLOAD_TYPE,
  parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
} satisfies RtpCodecCapability;

/** Where a camera's FFmpeg sends its H.264, and how its packets must look for the producer to take them. */
export interface RtpIngest {
  readonly ip: string;
  readonly port: number;
  readonly rtcpPort: number;
  /** The ports FFmpeg sends from. Fixed, so that a restarted FFmpeg is still the same sender. */
  readonly localPort: number;
  readonly localRtcpPort: number;
  readonly payloadType: number;
  readonly ssrc: number;
}

/** A transport as a browser needs it to make its own end. */
export type BrowserTransport = Pick<
  WebRtcTransport,
  'id' | 'iceParameters' | 'iceCandidates' | 'dtlsParameters'
>;

/** A consumer as a browser needs it to make its own end. */
export type BrowserConsumer = Pick<Consumer, 'id' | 'producerId' | 'kind' | 'rtpParameters'>;

export interface VideoRouterOptions {
  /** Called when the worker dies by itself; everything made with it is closed by then. */
  readonly onWorkerDied?: (error: Error) => void;
}

export class VideoRouter {
  readonly #worker: Worker;
  readonly #router: Router;
  readonly #cameras = new Map<string, RoutedCamera>();
  readonly #transports = new Map<string, WebRtcTransport>();
  readonly #consumers = new Map<string, Consumer>();
  #nextSsrc = 0x5641_5301;

  private constructor(worker: Worker, router: Router) {
    this.#worker = worker;
    this.#router = router;
  }

  /** The worker binary is MediaSoup's own, or the one that `MEDIASOUP_WORKER_BIN` names. */
  static async start(options: VideoRouterOptions = {}): Promise<VideoRouter> {
    // A worker that was built without liburing refuses to start unless told.
    const worker = await mediasoup.createWorker({ logLevel: 'warn', disableLiburing: true });
    worker.on('died', (error) => options.onWorkerDied?.(error));
    return new VideoRouter(worker, await worker.createRouter({ mediaCodecs: [h264] }));
  }

  get workerPid(): number {
    return this.#worker.pid;
  }

  /** One camera: its ingest transport and its producer. */
  async addCamera(cameraId: string): Promise<RoutedCamera> {
    const listen = { protocol: 'udp', ip: LOOPBACK, recvBufferSize: INGEST_BUFFER_BYTES } as const;
    const transport = await this.#router.createPlainTransport({
      listenInfo: listen,
      rtcpListenInfo: listen,
      rtcpMux: false,
      comedia: false,
    });
    const rtcpTuple = transport.rtcpTuple;
    if (rtcpTuple === undefined) throw new Error('a transport without RTCP multiplexing has an RTCP port');
    const [localPort, localRtcpPort] = await freePorts();
    await transport.connect({ ip: LOOPBACK, port: localPort, rtcpPort: localRtcpPort });

    const ssrc = this.#nextSsrc++;
    const producer = await transport.produce({
      kind: 'video',
      rtpParameters: {
        codecs: [{ ...h264, payloadType: PAYLOAD_TYPE, parameters: h264.parameters }],
        encodings: [{ ssrc }],
      },
    });
    const ingest: RtpIngest = {
      ip: LOOPBACK,
      port: transport.tuple.localPort,
      rtcpPort: rtcpTuple.localPort,
      localPort,
      localRtcpPort,
      payloadType: PAYLOAD_TYPE,
      ssrc,
    };
    const camera = new RoutedCamera(this.#router, transport, producer, ingest);
    this.#cameras.set(cameraId, camera);
    return camera;
  }

  findCamera(cameraId: string): RoutedCamera | undefined {
    return this.#cameras.get(cameraId);
  }

  camera(cameraId: string): RoutedCamera {
    const camera = this.findCamera(cameraId);
    if (camera === undefined) throw new Error(`no camera ${cameraId}`);
    return camera;
  }

  /** What the router can send, for a browser to choose from. */
  get capabilities(): RtpCapabilities {
    return this.#router.rtpCapabilities;
  }

  /** A browser's transport over loopback. */
  async openTransport(): Promise<BrowserTransport> {
    const transport = await this.#router.createWebRtcTransport({
      listenInfos: [{ protocol: 'udp', ip: LOOPBACK }],
    });
    this.#transports.set(transport.id, transport);
    const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
    return { id, iceParameters, iceCandidates, dtlsParameters };
  }

  async connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    await this.#transport(transportId).connect({ dtlsParameters });
  }

  async consume(
    transportId: string,
    cameraId: string,
    rtpCapabilities: RtpCapabilities,
  ): Promise<BrowserConsumer> {
    const options: ConsumerOptions = { producerId: this.camera(cameraId).producerId, rtpCapabilities };
    const consumer = await this.#transport(transportId).consume(options);
    const { id, producerId, kind, rtpParameters } = consumer;
    this.#consumers.set(id, consumer);
    return { id, producerId, kind, rtpParameters };
  }

  /** Closes a consumer that a browser has; does nothing if it is closed already. */
  closeConsumer(consumerId: string): void {
    this.#consumers.get(consumerId)?.close();
    this.#consumers.delete(consumerId);
  }

  #transport(transportId: string): WebRtcTransport {
    const transport = this.#transports.get(transportId);
    if (transport === undefined) throw new Error(`no transport ${transportId}`);
    return transport;
  }

  /** Closes every transport, producer and consumer and ends the worker. */
  close(): void {
    this.#worker.close();
  }
}

export class RoutedCamera {
  readonly ingest: RtpIngest;
  readonly #router: Router;
  readonly #transport: PlainTransport;
  readonly #producer: Producer;

  constructor(router: Router, transport: PlainTransport, producer: Producer, ingest: RtpIngest) {
    this.#router = router;
    this.#transport = transport;
    this.#producer = producer;
    this.ingest = ingest;
  }

  /** Sends the camera to a UDP port of this machine, as a viewer behind a plain RTP transport receives it. */
  async addViewer(port: number): Promise<Consumer> {
    const transport = await this.#router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: LOOPBACK },
      rtcpMux: true,
      comedia: false,
    });
    this.#producer.observer.once('close', () => {
      transport.close();
    });
    await transport.connect({ ip: LOOPBACK, port });
    return transport.consume({
      producerId: this.#producer.id,
      rtpCapabilities: this.#router.rtpCapabilities,
      enableRtx: false,
    });
  }

  get producerId(): string {
    return this.#producer.id;
  }

  /**
   * The sequence number with which the next FFmpeg has to begin, so that viewers take its packets for the same
   * stream: one after everything that was received.
   */
  async nextSequence(): Promise<number> {
    const [stream] = await this.#producer.getStats();
    if (stream !== undefined) {
      const received = stream.packetCount + Math.max(0, stream.packetsLost);
      return (FIRST_SEQUENCE + received) % 2 ** 16;
    }
    return FIRST_SEQUENCE;
  }

  close(): void {
    this.#transport.close();
  }
}

/** Two UDP ports that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  const first = createSocket('udp4');
  const second = createSocket('udp4');
  try {
    return [await bind(first), await bind(second)];
  } finally {
    first.close();
    second.close();
  }
}

async function bind(socket: ReturnType<typeof createSocket>): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, LOOPBACK, resolve);
  });
  return socket.address().port;
}
