/** Counts the packets of one RTP stream and the gaps between them. RTCP on the same port is left out. */

export interface RtpReception {
  readonly packets: number;
  readonly bytes: number;
  /** Packets that never came, by their sequence numbers. */
  readonly lost: number;
  /** Longest time without a packet between two packets of one run of the sender, in milliseconds. */
  readonly longestGapMs: number;
}

/** RFC 3550, appendix A.1: a larger step of the sequence is a stream that began anew. */
const LARGEST_DROPOUT = 3000;

export class RtpReceptionCounter {
  #packets = 0;
  #bytes = 0;
  #lost = 0;
  #longestGapMs = 0;
  #lastSequence: number | null = null;
  #lastSender: number | null = null;
  #lastArrivalMs = 0;

  /**
   * @param sender port it came from: a restarted FFmpeg sends from another one, and begins with a sequence
   * number near that of the former
   */
  accept(datagram: Uint8Array, nowMs: number, sender: number): void {
    const [first = 0, second = 0, high = 0, low = 0] = datagram;
    // Version 2; packet types 192 to 223 are RTCP (RFC 5761).
    if (datagram.length < 12 || first >> 6 !== 2 || (second >= 192 && second <= 223)) return;
    this.#packets += 1;
    this.#bytes += datagram.length;
    const sequence = (high << 8) | low;
    if (this.#lastSequence !== null && this.#lastSender === sender) {
      const step = (sequence - this.#lastSequence) & 0xffff;
      // Arrived late, out of order: it was counted as lost when its successor came.
      if (step > 0xffff - LARGEST_DROPOUT) {
        this.#lost -= 1;
        return;
      }
      if (step <= LARGEST_DROPOUT) {
        this.#lost += Math.max(0, step - 1);
        this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastArrivalMs);
      }
    }
    this.#lastSequence = sequence;
    this.#lastSender = sender;
    this.#lastArrivalMs = nowMs;
  }

  reception(): RtpReception {
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      lost: this.#lost,
      longestGapMs: this.#longestGapMs,
    };
  }
}
