// Starts the script that it is given, prints its process id, and waits to be killed.
import { pathToFileURL } from 'node:url';
import { AnsweringProcess } from '@vas/processes';

const child = new AnsweringProcess(pathToFileURL(process.argv[2]));
await child.ask('nothing');
console.log(child.pid);
setInterval(() => {}, 1000);
