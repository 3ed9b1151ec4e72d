/**
 * The folder of this package: programs that are run as they are stand in it. This file is one level below it, as
 * source (`src`) and as part of the bundle (`dist`).
 */
export const packageFolder = new URL('../', import.meta.url);
