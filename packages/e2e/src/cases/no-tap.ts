/** The host without the packages at all: what every case is compared with. */
import type { Case } from '../run/case.js';

export const noTap: Case = {
  name: 'no-tap',
  title: 'A host that knows nothing of the packages: what every case is compared with',
  requirements: [],
  stage: { tap: 'none' },
  isShort: true,
};
