/** Where a camera's video comes from, and the input options of FFmpeg for it. */
import { resolve } from 'node:path';
import type { FfmpegOptionNames } from './binary.js';

export type Ingest =
  /** FFmpeg is the client and pulls the stream over TCP: how VAS gets its cameras. */
  | { readonly kind: 'rtsp-pull'; readonly url: string }
  /** FFmpeg waits at this address for a camera that publishes (ANNOUNCE, RECORD) over TCP. */
  | { readonly kind: 'rtsp-listen'; readonly url: string }
  /** A file, played once at its own speed. */
  | { readonly kind: 'file'; readonly path: string };

/** A camera that is silent for this long is given up and connected to again. */
const SILENCE_LIMIT_US = 5_000_000;
/** The default, to wait for ever, is refused as out of range by some versions. */
const LISTEN_LIMIT_S = 60;

/** What a person calls an input: an RTSP URL, or else a file. */
export function parseIngest(input: string): Ingest {
  return /^rtsps?:\/\//i.test(input) ? { kind: 'rtsp-pull', url: input } : { kind: 'file', path: input };
}

/** The input options. The path of a file is made absolute: FFmpeg may have another working directory. */
export function ingestArguments(ingest: Ingest, options: FfmpegOptionNames): string[] {
  switch (ingest.kind) {
    case 'rtsp-pull':
      return ['-rtsp_transport', 'tcp', options.rtspTimeout, `${SILENCE_LIMIT_US}`, '-i', ingest.url];
    case 'rtsp-listen':
      return [
        ...['-rtsp_transport', 'tcp', '-rtsp_flags', 'listen', '-listen_timeout', `${LISTEN_LIMIT_S}`],
        ...['-i', ingest.url],
      ];
    case 'file':
      return ['-re', '-i', `file:${resolve(ingest.path)}`];
  }
}
