/** docs/containers: what its files say, and what becomes of it as processes in namespaces. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Pod } from 'kubernetes-models/v1';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  composeDeployment,
  composeFile,
  containerFile,
  podDeployment,
  podManifest,
} from '../src/deployment.js';
import { pod, runDeployment } from '../src/pod.js';
import { buildCommandLineTool } from '../src/rust.js';

const compose = composeFile();
const manifest = podManifest();
const { host, reader } = compose.services;

function text(name: string): string {
  return readFileSync(containerFile(name), 'utf8');
}

describe('the files of docs/containers', () => {
  it('O4: compose.yaml gives the reader no way to write and each container users and limits of its own', () => {
    expect(host.volumes).toEqual([{ type: 'volume', source: 'frames', target: '/dev/shm/vas' }]);
    expect(reader.volumes).toEqual([{ ...host.volumes[0], read_only: true }]);
    expect(compose.volumes.frames.driver_opts).toMatchObject({ type: 'tmpfs', device: 'tmpfs' });
    const { host: writer, reader: other } = composeDeployment(compose);
    expect(compose.volumes.frames.driver_opts.o).toMatch(
      new RegExp(`^size=\\d+m,mode=0755,uid=${writer.uid},gid=${writer.gid}$`),
    );
    expect(new Set([0, writer.uid, other.uid]).size).toBe(3);
    for (const service of [host, reader]) {
      expect(service.pids_limit).toBeGreaterThan(0);
      expect(service.ulimits.nofile).toBeGreaterThanOrEqual(1024);
      expect(service.mem_limit).toMatch(/^\d+m$/);
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.security_opt).toEqual(['no-new-privileges:true']);
    }
    expect(reader.healthcheck?.test).toEqual(['CMD', 'vas-frames', 'health', host.environment['CAMERA_ID']]);
  });

  it('O4: kubernetes.yaml says the same', () => {
    const { spec } = manifest;
    expect(spec.securityContext.runAsNonRoot).toBe(true);
    expect(spec.volumes).toEqual([{ name: 'frames', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } }]);
    for (const { securityContext } of [...spec.initContainers, ...spec.containers]) {
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    const inPod = podDeployment(manifest);
    const inCompose = composeDeployment(compose);
    expect([inPod.host, inPod.reader, inPod.probe]).toEqual([
      inCompose.host,
      inCompose.reader,
      inCompose.probe,
    ]);
    expect(spec.initContainers[0].securityContext).toEqual(spec.containers[0].securityContext);
  });

  it.each([
    ['host.Dockerfile', host],
    ['reader.Dockerfile', reader],
  ])('O4: %s runs as the user of compose.yaml and names no registry', (name, { user }) => {
    expect(/^USER (.*)$/m.exec(text(name))?.[1]).toBe(user);
    expect(text(name)).not.toMatch(/https?:/);
  });

  it('O4: compose.yaml passes docker-compose, and vas.service passes systemd, where they are at hand', () => {
    // Where the images get packages from is the user's to say; nothing is fetched here.
    const env = { ...process.env, NPM_REGISTRY: 'http://127.0.0.1', PYTHON_INDEX: 'http://127.0.0.1' };
    const checked = (command: string, ...args: string[]): string => {
      const { status, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8' });
      // Where every test must run all that it has, a missing program is a failure.
      const isLeftOut = error !== undefined && process.env['VAS_TEST_EVERYTHING'] === undefined;
      return isLeftOut ? '0 ' : `${status ?? error?.message ?? 'killed'} ${stderr}`;
    };
    expect(checked('docker-compose', '-f', containerFile('compose.yaml'), 'config', '--quiet')).toBe('0 ');
    expect(checked('systemd-analyze', 'verify', containerFile('vas.service'))).toBe('0 ');
  });

  it('O4: kubernetes.yaml passes the schema of Kubernetes, which knows a wrong one', () => {
    const validate = (pod: unknown): void => {
      new Pod(pod as ConstructorParameters<typeof Pod>[0]).validate();
    };
    validate(manifest);
    const [first, ...others] = manifest.spec.containers;
    const isFirst = { ...first, resources: { limits: ['512Mi'] } };
    expect(() => {
      validate({ ...manifest, spec: { ...manifest.spec, containers: [isFirst, ...others] } });
    }).toThrow('/spec/containers/0/resources/limits must be object');
  });

  it('O4: README.md has a row for each setting', () => {
    const settings = [
      ...text('vas.service').matchAll(
        /^(RemoveIPC|PrivateTmp|TasksMax|LimitNOFILE|MemoryMax|KillMode|User)=/gm,
      ),
    ];
    const names = [...settings.map(([, name = '']) => name), 'mem_limit', 'pids_limit', 'ulimits.nofile'];
    expect(settings.length).toBe(7);
    const rows = text('README.md');
    expect(names.filter((name) => !new RegExp(`^\\| .*\`${name}`, 'm').test(rows))).toEqual([]);
  });
});

describe('the containers of docs/containers', () => {
  beforeAll(() => {
    buildCommandLineTool();
  }, 900_000);

  it('O4: run as the files say: frames reach the reader, the probe tells the truth, nothing can be written', async () => {
    const { failures } = await pod.run({ withoutValidation: false });
    expect(failures).toEqual([]);
  });

  it('finds a mount that is not read-only, and a host that is not there', async () => {
    const deployment = composeDeployment(compose);
    const writable = { ...deployment, reader: { ...deployment.reader, isReadOnly: false } };
    expect((await runDeployment('writable', writable)).failures).toEqual([
      'writable: the mount of the reader is not read-only: EACCES',
    ]);
    const alone = await runDeployment('alone', deployment, { isHostStarted: false, patienceMs: 1000 });
    expect(alone.failures).toEqual([expect.stringMatching(/^alone: the host runs: the probe ends with 3 /)]);
  });
});
