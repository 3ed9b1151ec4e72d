/** What misuse and unusable memory are reported with. Ordinary outcomes (nothing newer, overwritten) are values. */

export type RingBufferErrorCode =
  /** Width, height or stride is not that of an NV12 picture. */
  | 'BAD_GEOMETRY'
  /** The slot count is not an integer from 3 to 64. */
  | 'BAD_SLOT_COUNT'
  /** A code, range or siting of the colours is none that there is. */
  | 'BAD_COLOURS'
  /** Epoch, generation or first frame id cannot be written into a ring. */
  | 'BAD_IDENTITY'
  /** A frame id that was passed in is not an integer in range. */
  | 'BAD_FRAME_ID'
  /** The buffer that a frame is to be copied into is smaller than a frame. */
  | 'DESTINATION_TOO_SMALL'
  /** The memory for the ring cannot be had, or is more than this engine's largest buffer (4 GiB on Node 20). */
  | 'OUT_OF_MEMORY'
  /** The memory handed in is too small for the ring, or meta does not start at a multiple of 8 bytes. */
  | 'UNSUITABLE_MEMORY'
  /** The memory holds no ring, or one that this version cannot read. */
  | 'INCOMPATIBLE_LAYOUT';

/** Thrown for misuse only. Tell errors apart by `code`, which is stable; the message is for people. */
export class RingBufferError extends Error {
  override readonly name = 'RingBufferError';

  constructor(
    readonly code: RingBufferErrorCode,
    message: string,
    options?: { cause: unknown },
  ) {
    super(message, options);
  }
}
