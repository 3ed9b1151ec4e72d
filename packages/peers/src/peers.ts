/** The peers, by what is started for each: everything else about them stands in their own files. */
import { fileURLToPath } from 'node:url';

/** A program and its first arguments. */
export type Command = readonly [string, ...string[]];

/** Where the programs are, once they are built. */
export interface Programs {
  readonly rust: string;
  readonly python: string;
  readonly cReader: string;
}

/** What has to be installed or built before a peer can take part. */
export type Need =
  'rust' | 'iceoryx2' | 'gstreamer' | 'zeromq' | 'redis' | 'python' | 'vas_frames' | 'vas_frames.h';

export interface Peer {
  readonly name: string;
  readonly title: string;
  /** Whether it is this project itself, in the language of the peers that it is compared with. */
  readonly isOurs: boolean;
  readonly comparedWith: string;
  readonly needs: readonly Need[];
  readonly waits: string;
  readonly publisher: (programs: Programs) => Command;
  /** Where readers live: in processes of their own, as children of the writer, or in its process. */
  readonly readers: 'processes' | 'children' | 'threads';
  readonly reader?: (programs: Programs) => Command;
  /** A process between writer and readers. */
  readonly broker?: (folder: string) => Command;
  readonly usesSharedMemory: boolean;
}

const nodePeer = fileURLToPath(new URL('node-peer.js', import.meta.url));
const pythonPeer = fileURLToPath(new URL('../python/peer.py', import.meta.url));

const rustPeer =
  (name: string) =>
  ({ rust }: Programs): Command => [rust, name];
const inNode = (name: string) => (): Command => [process.execPath, nodePeer, name];
const inPython =
  (name: string) =>
  ({ python }: Programs): Command => [python, pythonPeer, name];

const ours = {
  isOurs: true,
  readers: 'processes',
  publisher: rustPeer('ours'),
  usesSharedMemory: true,
} as const;
const NATIVE = { isOurs: false, comparedWith: 'vas-rust', readers: 'processes' } as const;

export const peers: readonly Peer[] = [
  {
    ...ours,
    name: 'vas-rust',
    title: 'this project, Rust',
    comparedWith: 'vas-rust',
    needs: ['rust'],
    waits: 'futex',
    reader: rustPeer('ours'),
  },
  {
    ...ours,
    name: 'vas-c',
    title: 'this project, C (writer: Rust)',
    comparedWith: 'vas-c',
    needs: ['rust', 'vas_frames.h'],
    waits: 'futex',
    reader: ({ cReader }) => [cReader],
  },
  {
    ...ours,
    name: 'vas-python',
    title: 'this project, Python (writer: Rust)',
    comparedWith: 'vas-python',
    needs: ['rust', 'python', 'vas_frames'],
    waits: 'futex',
    reader: inPython('vas-frames'),
  },
  {
    ...ours,
    name: 'vas-javascript',
    title: 'this project, JavaScript',
    comparedWith: 'vas-javascript',
    needs: [],
    waits: 'futex, in a thread of the process',
    publisher: inNode('vas-frames'),
    reader: inNode('vas-frames'),
  },
  {
    ...NATIVE,
    name: 'iceoryx2',
    title: 'iceoryx2',
    needs: ['iceoryx2'],
    waits: 'event service',
    publisher: rustPeer('iceoryx2'),
    reader: rustPeer('iceoryx2'),
    usesSharedMemory: true,
  },
  {
    ...NATIVE,
    name: 'gstreamer',
    title: 'GStreamer shmsink',
    needs: ['gstreamer'],
    waits: 'socket, in its thread; then appsink',
    publisher: rustPeer('gstreamer'),
    reader: rustPeer('gstreamer'),
    usesSharedMemory: true,
  },
  {
    ...NATIVE,
    name: 'zeromq',
    title: 'ZeroMQ, ipc',
    needs: ['zeromq'],
    waits: 'socket',
    publisher: rustPeer('zeromq'),
    reader: rustPeer('zeromq'),
    usesSharedMemory: false,
  },
  {
    ...NATIVE,
    name: 'redis',
    title: 'Redis, Unix socket',
    needs: ['redis'],
    waits: 'channel, then GET',
    publisher: rustPeer('redis'),
    reader: rustPeer('redis'),
    broker: (folder) => [
      'redis-server',
      ...['--port', '0', '--unixsocket', `${folder}/redis.sock`, '--dir', folder],
      ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
    ],
    usesSharedMemory: false,
  },
  {
    ...NATIVE,
    name: 'unix-socket',
    title: 'Unix socket, blocking',
    needs: ['rust'],
    waits: 'poll',
    publisher: rustPeer('unix-socket'),
    reader: rustPeer('unix-socket'),
    usesSharedMemory: false,
  },
  {
    ...NATIVE,
    name: 'rename',
    title: 'a file per frame, renamed',
    needs: ['rust'],
    waits: 'inotify',
    publisher: rustPeer('rename'),
    reader: rustPeer('rename'),
    usesSharedMemory: true,
  },
  {
    ...NATIVE,
    name: 'shared-memory',
    title: 'Python shared_memory, no lock',
    comparedWith: 'vas-python',
    needs: ['python'],
    waits: 'looks every 1 ms',
    publisher: inPython('shared-memory'),
    readers: 'children',
    usesSharedMemory: true,
  },
  {
    ...NATIVE,
    name: 'shared-memory-lock',
    title: 'Python shared_memory, Condition',
    comparedWith: 'vas-python',
    needs: ['python'],
    waits: 'Condition',
    publisher: inPython('shared-memory-lock'),
    readers: 'children',
    usesSharedMemory: true,
  },
  {
    ...NATIVE,
    name: 'worker',
    title: 'Node workers, SharedArrayBuffer',
    comparedWith: 'vas-javascript',
    needs: [],
    waits: 'Atomics.wait',
    publisher: inNode('worker'),
    readers: 'threads',
    usesSharedMemory: false,
  },
];
