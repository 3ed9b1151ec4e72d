/** Where the scripts stand that are run as they are: the bundle is built into `e2e/dist`. */
export const e2eSource = new URL('../', import.meta.url);
