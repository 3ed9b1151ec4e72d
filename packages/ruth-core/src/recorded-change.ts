/** Changes as an application kept them: read, checked and copied before they are made once more. */
import type { Change } from './change.js';
import { locating, quoted, readingAs, RuthError } from './error.js';
import { readFrameSource } from './frame-source.js';
import { checkCameraId } from './ids.js';
import { readFields } from './plain-data.js';
import { isRevision, MAX_REVISION } from './revision.js';
import { readSubscription, type Subscription } from './subscription.js';

/** The fields of each kind of change besides `kind` and `revision`. */
const FIELDS: Readonly<Record<Change['kind'], readonly Field[]>> = {
  'agent-added': ['cameraId'],
  'agent-started': ['cameraId'],
  'agent-stopped': ['cameraId'],
  'agent-removed': ['cameraId'],
  'subscription-added': ['subscription'],
  'subscription-replaced': ['subscription', 'previous'],
  'subscription-removed': ['subscription'],
  'frame-source-bound': ['frameSource', 'previous'],
  'frame-source-unbound': ['frameSource'],
};

const FIELDS_OF_SOME = ['cameraId', 'subscription', 'frameSource', 'previous'] as const;

type Field = (typeof FIELDS_OF_SOME)[number];

/**
 * A recorded change, which shares nothing with the caller's object.
 *
 * @throws RuthError `BAD_CHANGE`, or what is wrong with a value in it
 */
export function readChange(value: unknown): Change {
  const fields = readingAs('BAD_CHANGE', () =>
    readFields(value, 'the change', ['kind', 'revision', ...FIELDS_OF_SOME]),
  );
  const { kind, revision } = fields;
  if (!isKind(kind)) throw new RuthError('BAD_CHANGE', `there is no kind of change ${quoted(kind)}`);
  if (!isRevision(revision) || revision === 0) {
    throw new RuthError(
      'BAD_CHANGE',
      `the revision of a change (${kind}) is ${quoted(revision)}, not an integer from 1 to ${MAX_REVISION}`,
    );
  }
  return locating(
    () => `change ${revision} (${kind})`,
    () => readKind(kind, revision, fields),
  );
}

function readKind(kind: Change['kind'], revision: number, fields: Partial<Record<Field, unknown>>): Change {
  for (const field of FIELDS_OF_SOME) {
    if (Object.hasOwn(fields, field) === FIELDS[kind].includes(field)) continue;
    throw new RuthError(
      'BAD_CHANGE',
      `it ${FIELDS[kind].includes(field) ? 'lacks' : 'cannot have'} ${field}`,
    );
  }
  const { cameraId, previous } = fields;
  const subscription = (): Subscription => readSubscription(fields.subscription, 'BAD_CHANGE');
  switch (kind) {
    case 'agent-added':
    case 'agent-started':
    case 'agent-stopped':
    case 'agent-removed':
      checkCameraId(cameraId);
      return { revision, kind, cameraId };
    case 'subscription-added':
    case 'subscription-removed':
      return { revision, kind, subscription: subscription() };
    case 'subscription-replaced':
      return {
        revision,
        kind,
        subscription: subscription(),
        previous: readSubscription(previous, 'BAD_CHANGE'),
      };
    case 'frame-source-bound': {
      const frameSource = readFrameSource(fields.frameSource);
      return { revision, kind, frameSource, previous: previous === null ? null : readFrameSource(previous) };
    }
    case 'frame-source-unbound':
      return { revision, kind, frameSource: readFrameSource(fields.frameSource) };
  }
}

function isKind(kind: unknown): kind is Change['kind'] {
  return typeof kind === 'string' && Object.hasOwn(FIELDS, kind);
}
