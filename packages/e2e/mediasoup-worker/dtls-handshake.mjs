// One DTLS handshake with a MediaSoup worker, as every browser makes it first: OpenSSL's own client behind a relay that
// says the ICE words before. A worker that was built against an OpenSSL it does not get on with dies here. Ends with
// exit code 0, or says what happened instead.
//
//   MEDIASOUP_WORKER_BIN=... node packages/e2e/mediasoup-worker/dtls-handshake.mjs
import { spawn, execFileSync } from 'node:child_process';
import { X509Certificate, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as mediasoup from 'mediasoup';

const LOOPBACK = '127.0.0.1';
const PATIENCE_MS = 10_000;

const problem = await shakeHands();
if (problem !== null) console.error(problem);
process.exit(problem === null ? 0 : 1);

/** Resolves with `null` if the worker comes to `connected`, else with what it did instead. */
async function shakeHands() {
  const folder = mkdtempSync(join(tmpdir(), 'vas-handshake-'));
  const toWorker = createSocket('udp4');
  const toClient = createSocket('udp4');
  let client;
  let worker;
  try {
    worker = await mediasoup.createWorker({ logLevel: 'none', disableLiburing: true });
    const died = new Promise((resolve) => worker.once('died', (error) => resolve(error.message)));
    const identity = await makeIdentity(folder);
    const router = await worker.createRouter();
    const transport = await router.createWebRtcTransport({
      listenInfos: [{ protocol: 'udp', ip: LOOPBACK }],
    });
    const connected = new Promise((resolve) => {
      transport.on('dtlsstatechange', (state) => {
        if (state === 'connected') resolve(null);
        if (state === 'failed') resolve('the handshake failed');
      });
    });
    await transport.connect({
      dtlsParameters: {
        role: 'client',
        fingerprints: [{ algorithm: 'sha-256', value: identity.fingerprint }],
      },
    });
    for (const socket of [toWorker, toClient]) {
      socket.bind(0, LOOPBACK);
      await once(socket, 'listening');
    }
    const { port } = transport.iceCandidates[0];
    toWorker.send(bindingRequest(transport.iceParameters), port, LOOPBACK);
    await once(toWorker, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });

    let clientPort;
    toClient.on('message', (datagram, sender) => {
      clientPort = sender.port;
      toWorker.send(datagram, port, LOOPBACK);
    });
    toWorker.on('message', (datagram) => {
      if (clientPort !== undefined) toClient.send(datagram, clientPort, LOOPBACK);
    });
    const { port: relayPort } = toClient.address();
    client = spawn(
      'openssl',
      [
        ...['s_client', '-dtls1_2', '-quiet', '-connect', `${LOOPBACK}:${relayPort}`],
        ...['-cert', identity.cert, '-key', identity.key, '-use_srtp', 'SRTP_AES128_CM_SHA1_80'],
      ],
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    const late = new Promise((resolve) => {
      setTimeout(resolve, PATIENCE_MS, 'no handshake in 10 s').unref();
    });
    return await Promise.race([connected, died, late]);
  } catch (error) {
    return error.message;
  } finally {
    client?.kill('SIGKILL');
    worker?.close();
    toWorker.close();
    toClient.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A key and a certificate that it signs itself, as a browser makes them for a connection. */
async function makeIdentity(folder) {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
      ],
      ...['-subj', '/CN=viewer', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  return { key, cert, fingerprint: new X509Certificate(readFileSync(cert)).fingerprint256 };
}

/** A STUN binding request that makes the sender the selected peer (RFC 8489, RFC 8445). */
function bindingRequest({ usernameFragment, password }) {
  const attributes = [
    attribute(0x0006, Buffer.from(`${usernameFragment}:viewer`)),
    attribute(0x0024, Buffer.from([0x6e, 0, 0, 1])),
    attribute(0x802a, randomBytes(8)),
    attribute(0x0025, Buffer.alloc(0)),
  ];
  const transaction = randomBytes(12);
  // Each of the two closing attributes covers a header that counts it already.
  const withLength = (parts, more) => {
    const body = Buffer.concat(parts);
    const header = Buffer.alloc(8);
    header.writeUInt16BE(0x0001, 0);
    header.writeUInt16BE(body.length + more, 2);
    header.writeUInt32BE(0x2112a442, 4);
    return Buffer.concat([header, transaction, body]);
  };
  const integrity = createHmac('sha1', password).update(withLength(attributes, 24)).digest();
  attributes.push(attribute(0x0008, integrity));
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE((crc32(withLength(attributes, 8)) ^ 0x5354554e) >>> 0);
  attributes.push(attribute(0x8028, checksum));
  return withLength(attributes, 0);
}

function attribute(type, value) {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(value.length, 2);
  return Buffer.concat([header, value, Buffer.alloc(-value.length & 3)]);
}
