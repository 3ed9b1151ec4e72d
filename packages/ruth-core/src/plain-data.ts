/** Plain data: what both JSON and structured clone carry unchanged. Copied and frozen on the way in. */

/** JSON's values. Numbers are finite; `-0` becomes `0`, because JSON has no other way to carry it. */
export type PlainData =
  null | boolean | number | string | readonly PlainData[] | { readonly [key: string]: PlainData };

/** How deep arrays and objects may be nested. */
const MAX_DEPTH = 32;

/** How many values there may be, nested ones included. Without it, shared branches could grow without end. */
const MAX_VALUES = 10_000;

/**
 * A frozen deep copy. Reads every property once and runs no accessor.
 *
 * @throws TypeError saying where, for anything that is not plain data: `undefined`, functions, symbols, bigints,
 * NaN and infinities, class instances, accessors, hidden or symbol keys, a key `__proto__`, holes in arrays,
 * cycles, more than 32 levels, more than 10,000 values
 */
export function copyPlainData(value: unknown, name: string): PlainData {
  let values = 0;
  const around: object[] = [];

  function copy(part: unknown, path: string): PlainData {
    values += 1;
    if (values > MAX_VALUES) throw notPlain(name, `holds more than ${MAX_VALUES} values`);
    if (part === null || typeof part === 'boolean' || typeof part === 'string') return part;
    if (typeof part === 'number') {
      if (!Number.isFinite(part)) throw notPlain(path, `is ${part}`);
      return part === 0 ? 0 : part;
    }
    if (typeof part !== 'object') throw notPlain(path, `is of type ${typeof part}`);
    if (around.includes(part)) throw notPlain(path, 'contains itself');
    if (around.length === MAX_DEPTH) throw notPlain(path, `is nested deeper than ${MAX_DEPTH} levels`);
    around.push(part);
    const copied = Array.isArray(part) ? copyArray(part, path) : copyObject(part, path);
    around.pop();
    return Object.freeze(copied);
  }

  function copyArray(array: readonly unknown[], path: string): PlainData {
    if (!Array.isArray(Object.getPrototypeOf(array))) throw notPlain(path, 'is an instance of a class');
    const length = array.length;
    // One key per element and `length`: neither holes nor further properties.
    if (Reflect.ownKeys(array).length !== length + 1) throw notPlain(path, 'is not a dense array');
    const copied: PlainData[] = [];
    for (let index = 0; index < length; index += 1) {
      copied.push(copy(readOwn(array, String(index), path), `${path}[${index}]`));
    }
    return copied;
  }

  function copyObject(object: object, path: string): PlainData {
    // A root prototype of any realm will do: data may come out of another context.
    const prototype: unknown = Object.getPrototypeOf(object);
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
    if (!isPlain || Symbol.toStringTag in object) throw notPlain(path, 'is an instance of a class');
    const copied: Record<string, PlainData> = {};
    for (const key of Reflect.ownKeys(object)) {
      if (typeof key !== 'string') throw notPlain(path, 'has a symbol key');
      if (key === '__proto__') throw notPlain(path, 'has a key __proto__');
      copied[key] = copy(readOwn(object, key, path), `${path}.${key}`);
    }
    return copied;
  }

  return copy(value, name);
}

function readOwn(object: object, key: string, path: string): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property === undefined) throw notPlain(path, 'is not a dense array');
  if (!('value' in property)) throw notPlain(`${path}.${key}`, 'is an accessor');
  if (property.enumerable !== true) throw notPlain(`${path}.${key}`, 'is hidden');
  return property.value;
}

function notPlain(path: string, why: string): TypeError {
  return new TypeError(`not plain data: ${path} ${why}`);
}

/** Whether two values are the same plain data; the order of an object's keys does not count. */
export function isSameData(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every(
    (key) => Object.hasOwn(other, key) && isSameData(Reflect.get(one, key), Reflect.get(other, key)),
  );
}
