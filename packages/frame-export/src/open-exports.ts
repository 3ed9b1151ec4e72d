/** The exports that are open in this thread: kept alive until they are closed, and closed when the thread exits. */

/** Something that is to be left in order when the process ends without having closed it. */
export interface OpenExport {
  /** Removes the files. Must not throw. */
  leave(): void;
}

/** An export lives until it is closed, not until the host forgets its handle. */
const open = new Set<OpenExport>();

/**
 * Runs on `process.exit()`, after an uncaught error, after a promise that was rejected, and when the event loop
 * is empty. Signals that end a process at once leave its files to the next start, or to `sweep`.
 */
function leaveAll(): void {
  for (const camera of open) camera.leave();
  open.clear();
}

export function keepUntilClosed(camera: OpenExport): void {
  if (open.size === 0) process.once('exit', leaveAll);
  open.add(camera);
}

export function letGo(camera: OpenExport): void {
  if (open.delete(camera) && open.size === 0) process.off('exit', leaveAll);
}
