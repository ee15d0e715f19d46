import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import type { PythonValue, ValueArray } from '../../src/data/formats/python-value.js';
import { hangMs } from './limits.js';

/** An array as `make.py` describes it in expected.json. */
export interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly elements: readonly number[];
}

interface Expected {
  readonly tensors: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly values: Readonly<Record<string, unknown>>;
  readonly plain: unknown;
  readonly array: unknown;
  readonly words: readonly string[];
}

/** Files of Python, and what Python says is in them. */
export interface PythonFiles {
  readonly expected: Expected;
  path(name: string): string;
  bytes(name: string): Uint8Array;
}

function filesIn(folder: string): PythonFiles {
  const path = (name: string) => join(folder, name);
  return {
    expected: JSON.parse(readFileSync(path('expected.json'), 'utf8')) as Expected,
    path,
    bytes: (name) => new Uint8Array(readFileSync(path(name))),
  };
}

// This file runs as dist/test/support/python-files.js.
const committed = fileURLToPath(new URL('../../../test/unit/python-files/', import.meta.url));

/** Those that `make.py` wrote with seed 0, which are in the repository. */
export const committedFiles: PythonFiles = filesIn(committed);

/** Debian puts NumPy and PyTorch beside its own Python. */
export const python = '/usr/bin/python3';

/** Why a test cannot run that writes files with NumPy and PyTorch, or false where it can. */
export const noPyTorch: string | false =
  spawnSync(python, ['-c', 'import numpy, torch']).status === 0
    ? false
    : `${python} has no numpy and torch (Debian: python3-torch)`;

/** Files of another seed that `make.py` writes now. @returns them, and what removes them */
export function filesOfSeed(seed: number): PythonFiles & { remove(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'tal-python-'));
  const { status, stderr } = spawnSync(python, [join(committed, 'make.py'), folder, String(seed)], {
    encoding: 'utf8',
    timeout: hangMs,
  });
  if (status !== 0) throw new Error(stderr);
  return { ...filesIn(folder), remove: () => rm(folder, { recursive: true }) };
}

/** A tensor as expected.json has it. */
export function described(array: NumericArray): Described {
  const { dtype, shape, data } = array;
  const elements =
    dtype === 'f64' ? [...(data as Float64Array)] : [...toFloat32({ dtype, shape, data })].map(Number);
  return { dtype, shape, elements };
}

/** What Python's value is in JSON, as `make.py` writes it. */
export function plain(value: PythonValue): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? Number(value) : value;
  if (value instanceof Uint8Array) {
    return value.every((byte) => byte < 128) ? new TextDecoder().decode(value) : [...value];
  }
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  }
  if (value instanceof Set) return [...value].map(plain).sort();
  if (Array.isArray(value)) return value.map(plain);
  if (isValueArray(value)) return { shape: value.shape, values: value.values.map(plain) };
  const { shape, elements } = described(value as NumericArray);
  return { shape, elements };
}

const isValueArray = (value: object): value is ValueArray => 'values' in value && Array.isArray(value.values);
