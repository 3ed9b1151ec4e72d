/* eslint-disable @typescript-eslint/no-unsafe-call -- what is wrong on purpose cannot be resolved */
// Every line after an expected error must be one: a type that has silently become `any` fails here.
import { lifecycleTable, RuthState, type Change, type FrameSourceRef, type Snapshot } from '@vas/ruth-core';

const state = new RuthState();
// @ts-expect-error a camera id is a string
state.ensureAgent(5);
// @ts-expect-error a model id is needed
state.addSubscription('door');
// @ts-expect-error a rate is a number
state.addSubscription('door', 'yolo', { desiredFps: true });
// @ts-expect-error there is no such field
state.addSubscription('door', 'yolo', { desiredFPS: 5 });
// @ts-expect-error a function is not plain data
state.addSubscription('door', 'yolo', { configuration: () => 5 });
// @ts-expect-error a Map is not plain data
state.addSubscription('door', 'yolo', { configuration: new Map([['a', 1]]) });
// @ts-expect-error undefined is not plain data
state.addSubscription('door', 'yolo', { configuration: { zone: undefined } });
// @ts-expect-error a reference has a path and a version
state.bindFrameSource({ cameraId: 'door' });
// @ts-expect-error a version is a number
export const source: FrameSourceRef = { cameraId: 'door', path: '/a', layoutVersion: '1' };
// @ts-expect-error there is no such kind of change
export const change: Change = { kind: 'agent-paused', revision: 1, cameraId: 'door' };
// @ts-expect-error a change has a revision
export const unnumbered: Change = { kind: 'agent-started', cameraId: 'door' };
// @ts-expect-error starting an agent does not add it
export const isAdded = state.startAgent('door').outcome === 'added';
// @ts-expect-error an agent may be missing
export const lifecycle = state.agent('door').lifecycle;
// @ts-expect-error there is no such state
export const isPaused = state.agent('door')?.lifecycle === 'paused';
// @ts-expect-error what is handed out is read-only
state.counts().agents = 0;
// @ts-expect-error lists are read-only
state.camerasOf('yolo').push('door');
// @ts-expect-error a snapshot is data
export const snapshot: Snapshot = { formatVersion: 1, revision: 0, agents: ['door'] };
// @ts-expect-error there is no such format
export const later: Snapshot = { formatVersion: 2, revision: 0, agents: [] };
// @ts-expect-error the table is read-only
lifecycleTable.startAgent.created = 'running';
// @ts-expect-error there is no such operation
state.pauseAgent('door');
const outcome = state.ensureAgent('door');
// @ts-expect-error where nothing changed there is no change
export const none: unknown = outcome.outcome === 'already-there' ? outcome.changes[0].cameraId : 0;
// @ts-expect-error adding an agent does nothing to a subscription
export const other: unknown = outcome.outcome === 'added' ? outcome.changes[0].subscription : 0;
