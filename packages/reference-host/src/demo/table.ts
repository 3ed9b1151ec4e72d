/** The live view: a table that is drawn over itself on a terminal, now and then a line per camera elsewhere. */
import type { WriteStream } from 'node:tty';
import type { DemoCamera } from './demo-camera.js';
import { megabytes } from './report.js';

const REDRAW_MS = 500;
const LINE_EVERY_MS = 5000;

const COLUMNS = ['camera', 'state', 'decoded', 'read', 'missed', 'age', 'rtp', 'lost', 'recording'] as const;

/** One line per camera under a line of headings, all cells of a column equally wide. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const all = [COLUMNS, ...rows];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function tableRow(camera: DemoCamera): string[] {
  const { state, reader, viewer } = camera;
  return [
    camera.cameraId,
    state,
    reader === null ? '-' : `${reader.recentFramesPerSecond.toFixed(1)}/s`,
    reader === null ? '-' : `${reader.framesRead}`,
    reader === null ? '-' : `${reader.framesMissed}`,
    reader === null ? '-' : `${reader.ageMs.toFixed(1)} ms`,
    viewer === null ? '-' : `${viewer.recentPacketsPerSecond.toFixed(0)}/s`,
    viewer === null ? '-' : `${viewer.lost}`,
    megabytes(camera.recordedBytes()),
  ];
}

/** Shows the cameras until the function it returns is called. */
export function showLive(cameras: readonly DemoCamera[], out: WriteStream): () => void {
  let drawn = 0;
  const draw = (): void => {
    const lines = tableLines(cameras.map(tableRow));
    // Up to where the former table began; clear each line to its end.
    const up = out.isTTY && drawn > 0 ? `\u001b[${drawn}A` : '';
    out.write(up + lines.map((line) => `${line}${out.isTTY ? '\u001b[K' : ''}\n`).join(''));
    drawn = lines.length;
  };
  draw();
  const timer = setInterval(draw, out.isTTY ? REDRAW_MS : LINE_EVERY_MS);
  return () => {
    clearInterval(timer);
    draw();
  };
}
