/** The lifecycle of a stream agent: which operation is allowed in which state, and where it leads. */
import { RuthError, type RuthErrorCode } from './error.js';

/** Where an agent stands. It only ever moves forward. */
export type AgentLifecycle = 'created' | 'running' | 'stopped';

export function isLifecycle(value: unknown): value is AgentLifecycle {
  return value === 'created' || value === 'running' || value === 'stopped';
}

/** Where a camera stands: `absent` means that it has no agent. */
export type AgentState = 'absent' | AgentLifecycle;

/**
 * The state of the agent after each operation, by the state before it. `refused`: the operation is an error and
 * changes nothing. `removeModel` meets every camera of the model in its own state.
 */
export const lifecycleTable = freezeRows({
  ensureAgent: { absent: 'created', created: 'created', running: 'running', stopped: 'refused' },
  startAgent: { absent: 'refused', created: 'running', running: 'running', stopped: 'refused' },
  stopAgent: { absent: 'refused', created: 'refused', running: 'stopped', stopped: 'stopped' },
  removeAgent: { absent: 'absent', created: 'absent', running: 'refused', stopped: 'absent' },
  removeCamera: { absent: 'absent', created: 'absent', running: 'absent', stopped: 'absent' },
  addSubscription: { absent: 'refused', created: 'created', running: 'running', stopped: 'refused' },
  replaceSubscription: { absent: 'absent', created: 'created', running: 'running', stopped: 'refused' },
  updateSubscription: { absent: 'absent', created: 'created', running: 'running', stopped: 'refused' },
  removeSubscription: { absent: 'absent', created: 'created', running: 'running', stopped: 'stopped' },
  removeModel: { absent: 'absent', created: 'created', running: 'running', stopped: 'stopped' },
  bindFrameSource: { absent: 'refused', created: 'created', running: 'running', stopped: 'refused' },
  unbindFrameSource: { absent: 'absent', created: 'created', running: 'running', stopped: 'stopped' },
});

/** The operations that the lifecycle governs. */
export type Operation = keyof typeof lifecycleTable;

const REFUSALS: Readonly<Record<AgentState, { code: RuthErrorCode; why: string }>> = {
  absent: { code: 'AGENT_ABSENT', why: 'has no stream agent: ensure one first' },
  created: { code: 'AGENT_NOT_STARTED', why: 'has a stream agent that was never started' },
  running: { code: 'AGENT_RUNNING', why: 'has a running stream agent: stop it first' },
  stopped: { code: 'AGENT_STOPPED', why: 'has a stopped stream agent: remove it, then ensure a new one' },
};

/**
 * Where `operation` leads from `state`.
 *
 * @throws RuthError `AGENT_ABSENT`, `AGENT_NOT_STARTED`, `AGENT_RUNNING`, `AGENT_STOPPED`
 */
export function stateAfter(operation: Operation, state: AgentState, cameraId: string): AgentState {
  const next = lifecycleTable[operation][state];
  if (next !== 'refused') return next;
  const { code, why } = REFUSALS[state];
  throw new RuthError(code, `${operation} is refused: camera ${cameraId} ${why}`);
}

type Rows<Name extends string> = Readonly<Record<Name, Readonly<Record<AgentState, AgentState | 'refused'>>>>;

function freezeRows<Name extends string>(rows: Rows<Name>): Rows<Name> {
  Object.values(rows).forEach(Object.freeze);
  return Object.freeze(rows);
}
