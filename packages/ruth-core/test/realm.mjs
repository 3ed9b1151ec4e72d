// Runs modules in a realm that has only the data types of ECMAScript: no clock, no randomness, no promises, no timers,
// no host. Reads `{ modules: { name: source }, entry }` from standard input; calls the entry's `run`; prints
// `{ returned, promises }` or `{ error }`. Needs --experimental-vm-modules.
import { text } from 'node:stream/consumers';
import { promiseHooks } from 'node:v8';
import vm from 'node:vm';

const KEPT_GLOBALS = [
  ...['undefined', 'NaN', 'Infinity', 'isNaN', 'isFinite', 'parseInt', 'parseFloat', 'globalThis'],
  ...[
    'Object',
    'Function',
    'Array',
    'String',
    'Number',
    'Boolean',
    'BigInt',
    'Symbol',
    'RegExp',
    'Math',
    'JSON',
  ],
  ...['Map', 'Set', 'WeakMap', 'WeakSet', 'Reflect', 'Proxy', 'Iterator'],
  ...[
    'Error',
    'TypeError',
    'RangeError',
    'SyntaxError',
    'ReferenceError',
    'EvalError',
    'URIError',
    'AggregateError',
  ],
];

function bareRealm() {
  const realm = vm.createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
  vm.runInContext(
    `for (const name of Reflect.ownKeys(globalThis)) {
       if (!${JSON.stringify(KEPT_GLOBALS)}.includes(name) && !Reflect.deleteProperty(globalThis, name)) {
         throw new Error('cannot remove ' + String(name));
       }
     }
     delete Math.random;`,
    realm,
  );
  return realm;
}

function importModuleDynamically(name) {
  throw new Error(`the realm has no module ${name}`);
}

async function run({ modules, entry }) {
  const context = bareRealm();
  const made = new Map();
  const moduleOf = (name) => {
    if (!Object.hasOwn(modules, name)) throw new Error(`the realm has no module ${name}`);
    if (!made.has(name)) {
      made.set(
        name,
        new vm.SourceTextModule(modules[name], { context, identifier: name, importModuleDynamically }),
      );
    }
    return made.get(name);
  };
  const module = moduleOf(entry);
  await module.link((name) => moduleOf(name));

  // Evaluating a module makes promises of the engine's own: as many as evaluating an empty one.
  const empty = new vm.SourceTextModule('', { context });
  await empty.link(() => {});
  const engine = countPromises(() => empty.evaluate());
  const evaluation = countPromises(() => module.evaluate());
  await evaluation.returned;
  const call = countPromises(() => module.namespace.run());
  return { returned: call.returned, promises: evaluation.promises - engine.promises + call.promises };
}

/** Also sees the promises of async functions, which need no `Promise` by name. */
function countPromises(work) {
  let promises = 0;
  const stop = promiseHooks.onInit(() => {
    promises += 1;
  });
  try {
    const returned = work();
    return { returned, promises };
  } finally {
    stop();
  }
}

// A promise that a module left behind has been counted already.
process.on('unhandledRejection', () => {});

const outcome = await run(JSON.parse(await text(process.stdin))).catch((error) => ({
  error: String(error?.stack ?? error),
}));
console.log(JSON.stringify(outcome));
