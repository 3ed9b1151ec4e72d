/**
 * The two containers of docs/containers without a container engine: host.mjs and a reader in namespaces, users, mounts
 * and limits as the files there say.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { JsonLineProcess, ownProcess } from '@vas/processes';
import type { Check, CheckResult, Row } from './check.js';
import { composeDeployment, composeFile, containerFile, podDeployment, podManifest } from './deployment.js';
import type { Container, Deployment } from './deployment.js';
import { buildCommandLineTool } from './rust.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Makes what the containers share: the programs, readable for every user, and the volume. Lives while its input does. */
const MAKE_POD = `
  set -e
  cd "$1"
  mount -t tmpfs -o mode=0755 none /mnt
  mkdir -p /mnt/app /mnt/bin /mnt/host/node_modules /mnt/volume
  mount --bind . /mnt/app
  touch /mnt/bin/node && mount --bind "$2" /mnt/bin/node
  cp "$3" /mnt/bin/vas-frames
  cp "$4" /mnt/host/host.mjs
  chmod 0755 /mnt/bin/vas-frames && chmod 0644 /mnt/host/host.mjs
  ln -s /mnt/app/packages/verification/node_modules/@vas /mnt/host/node_modules/@vas
  mount -t tmpfs -o "$5" frames /mnt/volume
  echo "{\\"pid\\":$$}"
  exec cat
`;

/**
 * Becomes a program of a container: limits, a shared memory of its own with the base folder in it, and another user. The
 * program is killed when unshare is; with its user it would have lost what --kill-child arranged.
 */
const ENTER = `
  set -e
  [ -z "$1" ] || echo $$ >"$1/cgroup.procs"
  mount -t tmpfs -o mode=1777 shm /dev/shm
  mkdir /dev/shm/vas
  mount --bind "/mnt/volume/$2" /dev/shm/vas
  mount -o "remount,bind,$3" /dev/shm/vas
  user="--reuid=$4 --regid=$5"
  shift 5
  exec setpriv $user --pdeathsig=KILL --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
`;

/** Prints the folder of a new control group with this limit; nothing where none can be made. */
const MAKE_GROUP = `
  for top in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    mkdir "$top/$1" 2>/dev/null || continue
    for limit in "$top/$1/memory.limit_in_bytes" "$top/$1/memory.max"; do
      if [ -e "$limit" ]; then echo "$2" >"$limit" && echo "$top/$1" && exit; fi
    done
    rmdir "$top/$1"
  done
`;

const READ = ['python3', '/mnt/app/rust-shm/protocol/readers/frame_reader.py', '/dev/shm/vas/entrance', '2'];

/** Prints the user, how many processes are in sight, and the error of making a file in the base folder. */
const LOOK_AROUND = `
import errno, json, os
try:
    open("/dev/shm/vas/new", "x")
    error = "none"
except OSError as why:
    error = errno.errorcode[why.errno]
processes = sum(name.isdigit() for name in os.listdir("/proc"))
print(json.dumps({"uid": os.getuid(), "processes": processes, "error": error}))
`;

export const pod: Check = {
  summary:
    'the containers of docs/containers, as processes in namespaces with their users, mounts and limits',

  async run() {
    const results = [
      await runDeployment('compose.yaml', composeDeployment(composeFile())),
      await runDeployment('kubernetes.yaml', podDeployment(podManifest())),
    ];
    return {
      rows: results.flatMap(({ rows }) => rows),
      failures: results.flatMap(({ failures }) => failures),
    };
  },
};

export interface RunOptions {
  /** Left out where what the readers say of a host that never comes is looked at. */
  readonly isHostStarted?: boolean;
  /** How long frames may take to come, and each state to show. */
  readonly patienceMs?: number;
}

/** Runs one deployment from its start to the death of its host. */
export async function runDeployment(
  name: string,
  deployment: Deployment,
  { isHostStarted = true, patienceMs = 30_000 }: RunOptions = {},
): Promise<CheckResult> {
  const tool = buildCommandLineTool();
  const stage = await Stage.make(deployment, tool);
  try {
    return await watch(name, stage, deployment, { isHostStarted, patienceMs });
  } finally {
    await stage.clear();
  }
}

async function watch(
  name: string,
  stage: Stage,
  { host, reader, probe }: Deployment,
  { isHostStarted, patienceMs }: Required<RunOptions>,
): Promise<CheckResult> {
  const rows: Row[] = [];
  const failures: string[] = [];
  const fail = (what: string): void => {
    failures.push(`${name}: ${what}`);
  };

  const expectProbe = async (when: string, exitCode: number, word: string): Promise<void> => {
    const until = performance.now() + patienceMs;
    const ask = (): { exitCode: number; said: string } => {
      const { exitCode: ended, output } = stage.run(reader, probe);
      return { exitCode: ended, said: output.trim().split('\n').at(-1) ?? '' };
    };
    // Several healths have one exit code: a killed host may be idle before its heartbeat is old.
    const isRight = ({ exitCode: ended, said }: ReturnType<typeof ask>): boolean =>
      ended === exitCode && said.includes(word);
    let found = ask();
    while (!isRight(found) && performance.now() < until) {
      await sleep(100);
      found = ask();
    }
    const { exitCode: ended, said } = found;
    rows.push({ deployment: name, when, 'exit code': ended, said });
    if (!isRight(found))
      fail(`${when}: the probe ends with ${ended} and says "${said}" instead of ${exitCode}, ${word}`);
  };
  const newestFrame = (): number => {
    const { output } = stage.run(reader, [...probe, '--json']);
    return (JSON.parse(output) as { newest_frame_id?: number }).newest_frame_id ?? 0;
  };

  await expectProbe('before the host', 3, 'absent');
  if (isHostStarted) await stage.startHost();
  await expectProbe('the host runs', 0, 'live');
  if (failures.length > 0) return { rows, failures };

  const around = JSON.parse(stage.run(reader, ['python3', '-c', LOOK_AROUND]).output) as {
    uid: number;
    processes: number;
    error: string;
  };
  rows.push({ deployment: name, when: 'the reader looks around', said: JSON.stringify(around) });
  if (around.uid !== reader.uid || around.uid === host.uid)
    fail(`the reader is user ${around.uid}, the host ${host.uid}`);
  if (around.processes > 3) fail('the reader sees the processes of the host');
  // Another user may not write in any case (EACCES): this asks for the mount.
  if (around.error !== 'EROFS') fail(`the mount of the reader is not read-only: ${around.error}`);

  const read = JSON.parse(stage.run(reader, READ).output) as { accepted: Record<string, string> };
  const pictures = new Set(Object.values(read.accepted)).size;
  rows.push({ deployment: name, when: 'the reader reads for 2 s', said: `${pictures} pictures` });
  if (pictures < 10) fail(`${pictures} different pictures in 2 s, of 50`);

  const before = newestFrame();
  stage.killFfmpeg();
  const until = performance.now() + patienceMs;
  // Twice what the ring and the pipe can hold of the FFmpeg that was killed.
  while (newestFrame() < before + 25 && performance.now() < until) await sleep(100);
  const after = newestFrame() - before;
  rows.push({ deployment: name, when: 'FFmpeg was killed', said: `${after} frames since` });
  if (after < 25) fail(`${after} frames after FFmpeg was killed`);

  await stage.endHost('TERM');
  await expectProbe('the host was stopped', 3, 'absent');
  await stage.startHost();
  await expectProbe('the host runs again', 0, 'live');
  await stage.endHost('KILL');
  await expectProbe('the host was killed', 1, 'dead');
  return { rows: [...rows, { deployment: name, when: 'memory is limited', said: stage.limits }], failures };
}

/** The volume, the limits, and what runs in them. All of it is gone after `clear`. */
class Stage {
  readonly #pod: JsonLineProcess;
  /** The process whose mounts are the pod's. */
  readonly #podPid: number;
  readonly #deployment: Deployment;
  readonly #groups: ReadonlyMap<Container, string>;
  #host: ReturnType<typeof spawn> | undefined;

  private constructor(pod: JsonLineProcess, podPid: number, deployment: Deployment) {
    this.#pod = pod;
    this.#podPid = podPid;
    this.#deployment = deployment;
    const { host, reader } = deployment;
    this.#groups = new Map(
      [host, reader].map((container) => [
        container,
        runAsRoot([
          ...['sh', '-c', MAKE_GROUP, 'sh', `vas-test-${podPid}-${container.uid}`],
          String(container.memoryBytes),
        ]).output.trim(),
      ]),
    );
  }

  static async make(deployment: Deployment, tool: string): Promise<Stage> {
    if (runAsRoot(['true']).exitCode !== 0)
      throw new Error('the containers have users of their own: run as root, or let sudo ask for no password');
    const words = [root, process.execPath, tool, containerFile('host.mjs'), deployment.volumeOptions];
    const unshare = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', MAKE_POD, 'sh', ...words];
    const pod = new JsonLineProcess(...asRoot(unshare));
    const { pid } = await pod.next(
      (line): line is { pid: number } => line instanceof Object && 'pid' in line,
    );
    const stage = new Stage(pod, pid, deployment);
    if (deployment.makeBaseFolder.length > 0) {
      const { uid, gid } = deployment.host;
      const user = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
      const inVolume = deployment.makeBaseFolder.map((word) => word.replace(/^\/volume\//, '/mnt/volume/'));
      runAsRoot([...stage.#enterPod(), ...user, ...inVolume]);
    }
    return stage;
  }

  get limits(): string {
    return [...this.#groups.values()].every((group) => group !== '') ? 'yes' : 'no control group can be made';
  }

  /** Runs a program in a container like `container` to its end. */
  run(container: Container, command: readonly string[]): { exitCode: number; output: string } {
    return runAsRoot(this.#enter(container, command));
  }

  async startHost(): Promise<void> {
    const command = asRoot(this.#enter(this.#deployment.host, ['node', '/mnt/host/host.mjs']));
    this.#host = ownProcess(spawn(...command, { stdio: ['ignore', 'ignore', 'inherit'] }));
    await once(this.#host, 'spawn');
  }

  /** Ends the host itself, not what started it, and waits for its end. */
  async endHost(signal: 'TERM' | 'KILL'): Promise<void> {
    const host = this.#host;
    if (host?.exitCode !== null || host.signalCode !== null) return;
    const ended = once(host, 'exit');
    this.#signal('node', signal);
    await ended;
  }

  killFfmpeg(): void {
    this.#signal('ffmpeg', 'KILL');
  }

  async clear(): Promise<void> {
    await this.endHost('KILL');
    await this.#pod.stop();
    for (const group of this.#groups.values()) if (group !== '') runAsRoot(['rmdir', group]);
  }

  #signal(name: string, signal: 'TERM' | 'KILL'): void {
    const pid = descendant(this.#host?.pid ?? 0, name);
    if (pid === undefined) throw new Error(`the host's container has no ${name}`);
    runAsRoot(['kill', `-${signal}`, String(pid)]);
  }

  #enterPod(): string[] {
    return ['nsenter', '--target', String(this.#podPid), '--mount'];
  }

  #enter(container: Container, command: readonly string[]): string[] {
    const { uid, gid, env, isReadOnly } = container;
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return [
      ...['env', '-i', 'PATH=/mnt/bin:/usr/local/bin:/usr/bin:/bin', ...settings],
      // Whatever ends this process ends the container too.
      ...['setpriv', '--pdeathsig=KILL', ...this.#enterPod()],
      ...['unshare', '--mount', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'],
      ...['sh', '-c', ENTER, 'sh', this.#groups.get(container) ?? '', this.#deployment.baseFolder],
      ...[isReadOnly ? 'ro' : 'rw', String(uid), String(gid), ...command],
    ];
  }
}

/** The process below `pid` that was started by this name. */
function descendant(pid: number, name: string): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  for (const child of children === '' ? [] : children.split(' ').map(Number)) {
    const isIt = readFileSync(`/proc/${child}/cmdline`, 'utf8').startsWith(`${name}\0`);
    const found = isIt ? child : descendant(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Containers with users of their own need root; an ordinary user needs a sudo that asks for no password. */
function asRoot(command: readonly string[]): [string, string[]] {
  const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command];
  return [program, args];
}

function runAsRoot(command: readonly string[]): { exitCode: number; output: string } {
  const { status, stdout, stderr } = spawnSync(...asRoot(command), { encoding: 'utf8' });
  return { exitCode: status ?? -1, output: `${stdout}${stderr}` };
}
