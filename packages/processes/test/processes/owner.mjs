// Owns a process that never ends, says at its exit whether that has been killed before, and waits to be told to end.
import { spawn } from 'node:child_process';
import { exitOnSignals, ownProcess } from '@vas/processes';

let child;
process.once('exit', () => {
  console.log(child.killed);
});
exitOnSignals();
child = ownProcess(spawn('sleep', ['600']));
console.log(child.pid);
setInterval(() => {}, 1000);
