/** What docs/containers says of its two containers and of the memory that they share, from either of its files. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export interface Container {
  readonly uid: number;
  readonly gid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryBytes: number;
  /** Whether the base folder is mounted so that it cannot be written. */
  readonly isReadOnly: boolean;
}

export interface Deployment {
  readonly host: Container;
  readonly reader: Container;
  /** How the reader's container asks whether frames come. */
  readonly probe: readonly string[];
  /** Options of the tmpfs. */
  readonly volumeOptions: string;
  /** The folder of the volume that is the base folder; empty for the volume itself. */
  readonly baseFolder: string;
  /** What makes the base folder, as the host's user, where the volume is not it. */
  readonly makeBaseFolder: readonly string[];
}

const containers = new URL('../../../docs/containers/', import.meta.url);

/** The path of a file of docs/containers. */
export function containerFile(name: string): string {
  return fileURLToPath(new URL(name, containers));
}

export interface ComposeService {
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly [{ readonly target: string; readonly read_only?: boolean }];
  readonly mem_limit: string;
  readonly pids_limit: number;
  readonly ulimits: { readonly nofile: number };
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

export interface ComposeFile {
  readonly services: { readonly host: ComposeService; readonly reader: ComposeService };
  readonly volumes: {
    readonly frames: { readonly driver_opts: { readonly type: string; readonly o: string } };
  };
}

export function composeFile(): ComposeFile {
  return parse(readFileSync(containerFile('compose.yaml'), 'utf8')) as ComposeFile;
}

export function composeDeployment({ services: { host, reader }, volumes }: ComposeFile): Deployment {
  const container = (service: ComposeService): Container => {
    const [uid = 0, gid = 0] = service.user.split(':').map(Number);
    return {
      uid,
      gid,
      env: service.environment,
      memoryBytes: mebibytes(service.mem_limit),
      isReadOnly: service.volumes[0].read_only ?? false,
    };
  };
  return {
    host: container(host),
    reader: container(reader),
    probe: reader.healthcheck?.test.slice(1) ?? [],
    volumeOptions: volumes.frames.driver_opts.o,
    baseFolder: '',
    makeBaseFolder: [],
  };
}

export interface PodContainer {
  readonly name: string;
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext: {
    readonly runAsUser: number;
    readonly runAsGroup: number;
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[] };
  };
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly readinessProbe?: { readonly exec: { readonly command: readonly string[] } };
  readonly volumeMounts: readonly [
    { readonly mountPath: string; readonly subPath?: string; readonly readOnly?: boolean },
  ];
}

export interface PodManifest {
  readonly spec: {
    readonly securityContext: { readonly runAsNonRoot: boolean };
    readonly volumes: readonly [
      { readonly emptyDir: { readonly medium: string; readonly sizeLimit: string } },
    ];
    readonly initContainers: readonly [PodContainer];
    readonly containers: readonly [PodContainer, PodContainer];
  };
}

export function podManifest(): PodManifest {
  return parse(readFileSync(containerFile('kubernetes.yaml'), 'utf8')) as PodManifest;
}

export function podDeployment({ spec }: PodManifest): Deployment {
  const [host, reader] = spec.containers;
  const container = ({ securityContext, env = [], resources, volumeMounts }: PodContainer): Container => ({
    uid: securityContext.runAsUser,
    gid: securityContext.runAsGroup,
    env: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    memoryBytes: mebibytes(resources.limits.memory),
    isReadOnly: volumeMounts[0].readOnly ?? false,
  });
  return {
    host: container(host),
    reader: container(reader),
    probe: reader.readinessProbe?.exec.command ?? [],
    // What the kubelet makes of an emptyDir in memory.
    volumeOptions: `size=${mebibytes(spec.volumes[0].emptyDir.sizeLimit)},mode=0777`,
    baseFolder: host.volumeMounts[0].subPath ?? '',
    makeBaseFolder: spec.initContainers[0].command ?? [],
  };
}

/** `64m` of a compose file and `64Mi` of Kubernetes, in bytes. */
function mebibytes(text: string): number {
  const count = /^(\d+)(?:m|Mi)$/.exec(text)?.[1];
  if (count === undefined) throw new Error(`not in mebibytes: ${text}`);
  return Number(count) * 2 ** 20;
}
