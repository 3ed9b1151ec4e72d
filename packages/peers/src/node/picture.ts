/** Pictures that say which frame they are in every eight bytes: the rule of `rust/src/picture.rs`. */

export const FRAME_BYTES = (1920 * 1080 * 3) / 2;
const HEAD_BYTES = 16;
const KINDS = 8;

export interface Head {
  readonly id: number;
  /** When it was published, CLOCK_MONOTONIC. */
  readonly publishedNs: bigint;
}

export class Pictures {
  readonly #pictures = Array.from({ length: KINDS }, (_, kind) => {
    const picture = Buffer.alloc(FRAME_BYTES);
    for (let at = 0; at < FRAME_BYTES; at += 8) {
      picture.writeUInt32LE(at / 8, at);
      picture.writeUInt32LE(kind, at + 4);
    }
    return picture;
  });

  /** The picture of a frame that is published now. */
  stamped(id: number): Buffer {
    const picture = this.#of(id);
    picture.writeBigUInt64LE(BigInt(id), 0);
    picture.writeBigUInt64LE(process.hrtime.bigint(), 8);
    return picture;
  }

  /** Whether everything but the head is of this frame. */
  isWhole(copy: Uint8Array, id: number): boolean {
    return this.#of(id).subarray(HEAD_BYTES).equals(copy.subarray(HEAD_BYTES));
  }

  #of(id: number): Buffer {
    const picture = this.#pictures[id % KINDS];
    if (picture === undefined) throw new RangeError(`there is no frame ${id}`);
    return picture;
  }
}

export function head(copy: Uint8Array): Head {
  const bytes = Buffer.from(copy.buffer, copy.byteOffset, HEAD_BYTES);
  return { id: Number(bytes.readBigUInt64LE(0)), publishedNs: bytes.readBigUInt64LE(8) };
}
