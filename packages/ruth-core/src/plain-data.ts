/**
 * Plain data: what both JSON and structured clone carry unchanged. Copied and frozen on the way in. Everything that is
 * read of a caller's value is read here, once, and no accessor is run; only a Proxy can run code meanwhile.
 */
import { Unreadable } from './error.js';

/** JSON's values. Numbers are finite; `-0` becomes `0`, because JSON has no other way to carry it. */
export type PlainData =
  null | boolean | number | string | readonly PlainData[] | { readonly [key: string]: PlainData };

/** How deep arrays and objects may be nested. */
const MAX_DEPTH = 32;

/** How many values there may be, nested ones included. Without it, shared branches could grow without end. */
const MAX_VALUES = 10_000;

/**
 * A frozen deep copy. Stops at the first value beyond the bound: what lies behind it is not looked at.
 *
 * @throws Unreadable saying where, for anything that is not plain data: `undefined`, functions, symbols, bigints,
 * NaN and infinities, class instances, accessors, hidden or symbol keys, a key `__proto__`, holes in arrays,
 * cycles, more than 32 levels, more than 10,000 values
 */
export function copyPlainData(value: unknown, name: string): PlainData {
  /** How many more values there may be. Those of an array or object count as soon as their number is known. */
  let left = MAX_VALUES;
  const around: object[] = [];

  function count(values: number): void {
    if (!(values <= left)) throw notPlain(name, `holds more than ${MAX_VALUES} values`);
    left -= values;
  }

  function copy(part: unknown, path: string): PlainData {
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
    const length = lengthOf(array, path);
    count(length);
    // One key per element and `length`: neither holes nor further properties.
    if (Reflect.ownKeys(array).length !== length + 1) throw notPlain(path, 'is not a dense array');
    const copied: PlainData[] = [];
    for (let index = 0; index < length; index += 1) {
      const place = `${path}[${index}]`;
      copied.push(copy(readOwn(array, String(index), place), place));
    }
    return copied;
  }

  function copyObject(object: object, path: string): PlainData {
    assertPlain(object, path);
    const copied: Record<string, PlainData> = {};
    const keys = Reflect.ownKeys(object);
    count(keys.length);
    for (const key of keys) {
      if (typeof key !== 'string') throw notPlain(path, 'has a symbol key');
      if (key === '__proto__') throw notPlain(path, 'has a key __proto__');
      copied[key] = copy(readOwn(object, key, `${path}.${key}`), `${path}.${key}`);
    }
    return copied;
  }

  count(1);
  return copy(value, name);
}

/**
 * The fields of a plain object, each read once; their values are the caller's own still.
 *
 * @throws Unreadable for anything but a plain object, and for a field that is not among `known`
 */
export function readFields<Name extends string>(
  value: unknown,
  name: string,
  known: readonly Name[],
): Partial<Record<Name, unknown>> {
  assertPlain(value, name);
  const fields: Partial<Record<Name, unknown>> = {};
  for (const key of Reflect.ownKeys(value)) {
    const field = known.find((field) => field === key);
    if (field === undefined) throw notPlain(name, `has an unknown field ${nameOf(key)}`);
    fields[field] = readOwn(value, field, `${name}.${field}`);
  }
  return fields;
}

/**
 * As `readFields`, of an object that has all of `known`.
 *
 * @throws Unreadable also for a field that is missing
 */
export function readAllFields<Name extends string>(
  value: unknown,
  name: string,
  known: readonly Name[],
): Record<Name, unknown> {
  const fields = readFields(value, name, known);
  const missing = known.find((field) => !Object.hasOwn(fields, field));
  if (missing !== undefined) throw notPlain(name, `has no field ${missing}`);
  return fields as Record<Name, unknown>;
}

/**
 * One field of a plain object, which may have others.
 *
 * @throws Unreadable for anything but a plain object, and if the field is missing
 */
export function readField(value: unknown, name: string, field: string): unknown {
  assertPlain(value, name);
  return readOwn(value, field, `${name}.${field}`);
}

/**
 * The elements of a dense array of any length, each read once; their values are the caller's own still.
 *
 * @throws Unreadable for anything but an array, and for a hole
 */
export function readElements(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw notPlain(name, 'is not an array');
  const length = lengthOf(value, name);
  const elements: unknown[] = [];
  for (let index = 0; index < length; index += 1)
    elements.push(readOwn(value, String(index), `${name}[${index}]`));
  return elements;
}

function assertPlain(object: unknown, path: string): asserts object is object {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw notPlain(path, 'is not an object');
  }
  // A root prototype of any realm will do: data may come out of another context.
  const prototype: unknown = Object.getPrototypeOf(object);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain || Symbol.toStringTag in object) throw notPlain(path, 'is an instance of a class');
}

/** Not by `array.length`, which a Proxy may answer with anything. */
function lengthOf(array: readonly unknown[], path: string): number {
  const length: unknown = Object.getOwnPropertyDescriptor(array, 'length')?.value;
  if (typeof length !== 'number') throw notPlain(path, 'is not a dense array');
  return length;
}

function readOwn(object: object, key: string, path: string): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property === undefined) throw notPlain(path, 'is not there');
  if (!('value' in property)) throw notPlain(path, 'is an accessor');
  if (property.enumerable !== true) throw notPlain(path, 'is hidden');
  return property.value;
}

function nameOf(key: string | symbol): string {
  if (typeof key === 'symbol') return 'that is a symbol';
  return key.length > 80 ? `${key.slice(0, 80)}...` : key;
}

function notPlain(path: string, why: string): Unreadable {
  return new Unreadable(`not plain data: ${path} ${why}`);
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
