export { answerRequests, report } from './answer-requests.js';
export { AnsweringProcess, ProcessEnded } from './answering-process.js';
export type { AnsweringProcessOptions, Arguments, Requests } from './answering-process.js';
export { exitOnSignals } from './exit-on-signals.js';
export { JsonLineProcess } from './json-line-process.js';
export { ownProcess } from './own-process.js';
export { runToEnd } from './run-to-end.js';
export type { RunOptions } from './run-to-end.js';
