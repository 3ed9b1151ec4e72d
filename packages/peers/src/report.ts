/** The run as a page with tables and plots. What a peer does better is said first, and is computed, not written. */
import { barChartSvg } from './bars.js';
import { peers } from './peers.js';
import type { Peer } from './peers.js';
import type { Outcome, PeerResult } from './phases.js';

export interface Run {
  readonly commit: string;
  readonly begunAt: string;
  readonly seconds: number;
  readonly machine: { readonly processors: string; readonly kernel: string; readonly node: string };
  /** Versions of what was installed, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly isQuick: boolean;
  readonly results: readonly PeerResult[];
  /** Peers that could not take part, and why. */
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

/** A figure of which less is better, or more. */
interface Figure {
  readonly what: string;
  readonly of: (result: PeerResult) => number;
  readonly format: (value: number) => string;
  readonly isMoreBetter?: boolean;
}

const us = (value: number): string => `${digits(value)} us`;
const ms = (value: number): string => `${digits(value)} ms`;
const percent = (value: number): string => `${(value * 100).toFixed(0)} %`;

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 1 ? 3 : 2);
}

function ok<T>(outcome: Outcome<T>): T | undefined {
  return 'value' in outcome ? outcome.value : undefined;
}

const cpuInAll = (result: PeerResult): number => {
  const cpu = ok(result.paced)?.cpuUs;
  return cpu === undefined ? NaN : cpu.writer + cpu.reader + cpu.broker;
};

const figures: readonly Figure[] = [
  { what: 'publish, median', of: (result) => ok(result.paced)?.publishUs.p50 ?? NaN, format: us },
  { what: 'publish, p99', of: (result) => ok(result.paced)?.publishUs.p99 ?? NaN, format: us },
  { what: 'latency, median', of: (result) => ok(result.paced)?.latencyUs.p50 ?? NaN, format: us },
  { what: 'latency, p99', of: (result) => ok(result.paced)?.latencyUs.p99 ?? NaN, format: us },
  { what: 'CPU in all per frame', of: cpuInAll, format: us },
  {
    what: 'publish with sixteen readers, median',
    of: (result) => ok(result.crowded)?.publishUs.p50 ?? NaN,
    format: us,
  },
  {
    what: 'latency with sixteen readers, median',
    of: (result) => ok(result.crowded)?.latencyUs.p50 ?? NaN,
    format: us,
  },
  {
    what: 'frames delivered to sixteen readers',
    of: (result) => ok(result.crowded)?.delivered ?? NaN,
    format: percent,
    isMoreBetter: true,
  },
  {
    what: 'longest publish while a reader is stopped',
    of: (result) => ok(result.stopped)?.longestPublishMs ?? NaN,
    format: ms,
  },
  {
    what: 'frames of a slow reader',
    of: ({ slow }) => {
      const got = ok(slow);
      // More than there is time for: the writer has waited for the reader.
      return got === undefined ? NaN : Math.min(got.frames, got.possible);
    },
    format: (value) => `${value}`,
    isMoreBetter: true,
  },
  {
    what: 'bytes that a killed writer leaves',
    of: (result) => ok(result.writerKilled)?.leftBytes ?? NaN,
    format: (value) => `${(value / 1e6).toFixed(1)} MB`,
  },
  { what: 'age of the frames of a slow reader', of: (result) => ok(result.slow)?.ageMs ?? NaN, format: ms },
];

/** Differences below this are the machine's. */
const NOTABLE = 0.95;

/** What the peers do better than this project in the same language, peer by peer. */
export function betterThanOurs(results: readonly PeerResult[], of: readonly Peer[] = peers): string[] {
  return of.flatMap((peer) => {
    const result = results.find(({ name }) => name === peer.name);
    const ours = results.find(({ name }) => name === peer.comparedWith);
    if (peer.isOurs || result === undefined || ours === undefined) return [];
    const better = figures.flatMap((figure) => {
      const [theirs, own] = [figure.of(result), figure.of(ours)];
      const isBetter = figure.isMoreBetter === true ? theirs * NOTABLE > own : theirs < own * NOTABLE;
      return isBetter ? [`${figure.what} ${figure.format(theirs)} against ${figure.format(own)}`] : [];
    });
    return better.length === 0 ? [] : [`**${peer.title}**: ${better.join('; ')}.`];
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** The cells that an outcome fills; the first says why there is none. */
function cells<T>(
  outcome: Outcome<T>,
  make: (value: T) => readonly string[],
  count: number,
): readonly string[] {
  if ('value' in outcome) return make(outcome.value);
  const why = outcome.failure.replaceAll('|', '\\|').split('\n').at(-1) ?? '';
  return [why.slice(0, 120), ...Array.from({ length: count - 1 }, () => '-')];
}

export function plots({ results }: Run): Readonly<Record<string, string>> {
  const bars = (values: (result: PeerResult) => readonly number[]) =>
    peers.flatMap((peer) => {
      const result = results.find(({ name }) => name === peer.name);
      return result === undefined ? [] : [{ label: peer.title, values: values(result), isOurs: peer.isOurs }];
    });
  const timesOf = (pick: (result: PeerResult) => { p50: number; p99: number } | undefined) =>
    bars((result) => {
      const times = pick(result);
      return [times?.p50 ?? NaN, times?.p99 ?? NaN];
    });
  return {
    'latency.svg': barChartSvg({
      title: 'From the call that publishes to a copy in the reader, 1080p, one reader',
      legend: ['median', '99th percentile'],
      format: us,
      bars: timesOf((result) => ok(result.paced)?.latencyUs),
    }),
    'publish.svg': barChartSvg({
      title: 'The call that publishes, 1080p, one reader',
      legend: ['median', '99th percentile'],
      format: us,
      bars: timesOf((result) => ok(result.paced)?.publishUs),
    }),
    'cpu.svg': barChartSvg({
      title: 'CPU time per frame, 1080p: writer and broker, reader',
      legend: ['writer and broker', 'reader'],
      format: us,
      bars: bars((result) => {
        const cpu = ok(result.paced)?.cpuUs;
        return [cpu === undefined ? NaN : cpu.writer + cpu.broker, cpu?.reader ?? NaN];
      }),
    }),
    'stopped.svg': barChartSvg({
      title: 'The longest call that publishes while one of two readers is stopped for 1 s',
      legend: ['longest'],
      format: ms,
      bars: bars((result) => [ok(result.stopped)?.longestPublishMs ?? NaN]),
    }),
  };
}

export function markdown(run: Run): string {
  const better = betterThanOurs(run.results);
  const rows = peers.flatMap((peer) => {
    const result = run.results.find(({ name }) => name === peer.name);
    return result === undefined ? [] : [{ peer, result }];
  });
  const floors = rows.map(({ result }) => result.floorUs);
  return [
    '# Beside the peers',
    '',
    `Commit ${run.commit}, ${run.begunAt}, ${run.seconds.toFixed(0)} s. Reproduce it with`,
    '',
    '    npm run bench -- --peers --report docs/peers',
    '',
    `${run.machine.processors}, Linux ${run.machine.kernel}, Node ${run.machine.node}` +
      `${Object.entries(run.versions)
        .map(([name, version]) => `, ${name} ${version}`)
        .join(
          '',
        )}. What is measured, and how, stands in the [package's README](../../packages/peers/README.md).`,
    ...(run.isQuick
      ? ['', '**A short run, which shows that everything works. Its figures mean nothing.**']
      : []),
    '',
    '## What a peer does better',
    '',
    'Each is compared with this project in its own language; differences below 5 % are left out.',
    '',
    ...(better.length === 0 ? ['Nothing that was measured here.'] : better.map((line) => `- ${line}`)),
    '',
    'And what is not in the figures: iceoryx2, GStreamer, ZeroMQ and the socket can deliver every frame, with longer queues ' +
      'or a writer that waits, where this project drops by design; readers of iceoryx2 and GStreamer have pictures in place ' +
      'that nobody overwrites; ZeroMQ and Redis reach other hosts.',
    '',
    '## One reader, 60 frames a second',
    '',
    `Publishing by \`memcpy\` into warm shared memory took ${us(Math.min(...floors.map(({ p50 }) => p50)))} to ` +
      `${us(Math.max(...floors.map(({ p50 }) => p50)))} in the median, measured just before each peer; the ratios are to that.`,
    '',
    ...table(
      [
        '',
        'waits by',
        'publish / memcpy',
        'p99 / p99',
        'latency',
        'p99',
        'CPU of writer',
        'reader',
        'broker',
        'delivered',
      ],
      rows.map(({ peer, result }) => [
        peer.title,
        peer.waits,
        ...cells(
          result.paced,
          ({ publishUs, latencyUs, cpuUs, delivered }) => [
            (publishUs.p50 / result.floorUs.p50).toFixed(2),
            (publishUs.p99 / result.floorUs.p99).toFixed(2),
            us(latencyUs.p50),
            us(latencyUs.p99),
            us(cpuUs.writer),
            peer.readers === 'threads' ? 'in the writer' : us(cpuUs.reader),
            cpuUs.broker > 0 ? us(cpuUs.broker) : '-',
            percent(delivered),
          ],
          8,
        ),
      ]),
    ),
    '',
    'GStreamer and ZeroMQ publish by handing the picture to a thread of theirs: their call is shorter than the work.',
    '',
    '![latency](latency.svg)',
    '',
    '![publishing](publish.svg)',
    '',
    '![CPU time](cpu.svg)',
    '',
    '## Readers that are many, stopped, killed or slow',
    '',
    ...table(
      [
        '',
        '16 readers: publish',
        'latency',
        'delivered',
        'one stopped: longest publish',
        'the other got',
        'one killed: longest publish',
        'the other got',
        'slow reader: frames',
        'their age',
      ],
      rows.map(({ peer, result }) => [
        peer.title,
        ...cells(
          result.crowded,
          ({ publishUs, latencyUs, delivered }) => [us(publishUs.p50), us(latencyUs.p50), percent(delivered)],
          3,
        ),
        ...[result.stopped, result.killed].flatMap((outcome) =>
          cells(
            outcome,
            ({ longestPublishMs, othersDelivered, errors }) => [
              ms(longestPublishMs) + (errors > 0 ? `, ${errors} errors` : ''),
              percent(othersDelivered),
            ],
            2,
          ),
        ),
        ...cells(result.slow, ({ frames, possible, ageMs }) => [`${frames} of ${possible}`, ms(ageMs)], 2),
      ]),
    ),
    '',
    'A slow reader that gets more frames than there is time for is one that the writer has waited for.',
    '',
    '![a stopped reader](stopped.svg)',
    '',
    '## Torn frames, a dead writer, and no memory',
    '',
    ...table(
      [
        '',
        'at full speed: read',
        'torn',
        'refused',
        'writer killed, its reader ended: left',
        'starts again',
        'left then',
        '/dev/shm full',
      ],
      rows.map(({ peer, result }) => [
        peer.title,
        ...cells(
          result.raced,
          ({ read, published, torn, refused }) => [`${read} of ${published}`, `${torn}`, `${refused}`],
          3,
        ),
        ...cells(
          result.writerKilled,
          ({ leftFiles, leftBytes, restartFailure, stillLeftFiles, stillLeftBytes }) => [
            leftText(leftFiles, leftBytes),
            restartFailure === null ? 'yes' : `no: ${restartFailure.slice(0, 80)}`,
            leftText(stillLeftFiles, stillLeftBytes),
          ],
          3,
        ),
        ...cells(result.full, (said) => [said.replaceAll('|', '\\|').slice(0, 120)], 1),
      ]),
    ),
    '',
    ...(run.missing.length === 0
      ? ['No peer is missing.']
      : ['Missing:', '', ...run.missing.map(({ name, reason }) => `- ${name}: ${reason}`)]),
    '',
  ].join('\n');
}

function leftText(files: number, bytes: number): string {
  return files === 0 ? 'nothing' : `${files} files, ${(bytes / 1e6).toFixed(1)} MB`;
}
