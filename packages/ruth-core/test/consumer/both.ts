import type { FrameSourceRef as Exported } from '@vas/frame-export/types';
import type { FrameSourceRef as Stored } from '@vas/ruth-core';

export const store = (source: Exported): Stored => source;
export const open = (source: Stored): Exported => source;

// A field that is optional on one side and missing on the other would pass the two above.
export const storeAll = (source: Required<Exported>): Required<Stored> => source;
export const openAll = (source: Required<Stored>): Required<Exported> => source;
