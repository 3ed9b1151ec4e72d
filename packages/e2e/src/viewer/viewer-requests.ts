/** What the page of a viewer can be asked, and what it asks. */
import type {
  ConsumerOptions,
  DtlsParameters,
  RtpCapabilities,
  TransportOptions,
} from 'mediasoup-client/types';

/** When one picture was presented, and when the last packet of it had arrived; wall clock. */
export interface PresentedFrame {
  readonly presentedMs: number;
  readonly receivedMs: number;
}

export interface ViewerPage {
  readonly load: (routerRtpCapabilities: RtpCapabilities) => Promise<RtpCapabilities>;
  readonly open: (transport: TransportOptions) => void;
  /** Shows this consumer, in place of the one before. */
  readonly play: (consumer: ConsumerOptions) => Promise<void>;
  /** How many pictures the present consumer has received in whole, drawn or not. */
  readonly received: () => Promise<number>;
  /** Every picture presented so far. */
  readonly frames: () => { readonly nowMs: number; readonly frames: readonly PresentedFrame[] };
}

declare global {
  interface Window {
    viewerPage: ViewerPage;
    /** Tells the router the page's end of the transport. */
    connectTransport: (dtlsParameters: DtlsParameters) => Promise<void>;
  }
}
