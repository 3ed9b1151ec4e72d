/**
 * Where the scripts stand that are run as they are. This file is one level below, as source (`e2e/source`) and
 * as part of the bundle (`e2e/dist`).
 */
export const e2eSource = new URL('../', import.meta.url);
