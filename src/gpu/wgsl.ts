import { GpuError } from '../errors.js';
import type { KernelSource } from './kernel-source.js';

/**
 * The composer: turns a kernel file into the text that the device compiles. It knows imports, named
 * constants, replaceable types and the parameter block, and nothing else (ARCHITECTURE.md, "A kernel file").
 */

/** Values for a kernel's top-level `const`s (numbers, booleans) and `alias`es (type names). */
export type KernelConstants = Readonly<Record<string, number | boolean | string>>;

export interface StorageBinding {
  readonly name: string;
  readonly access: 'read' | 'read_write';
}

export interface Parameter {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
}

/** What the launcher must know of a kernel, read from its text. */
export interface KernelInterface {
  readonly name: string;
  readonly entryPoint: string;
  /** Storage buffers of group 0, in binding order. */
  readonly bindings: readonly StorageBinding[];
  /** Fields of `struct Params`, 4 bytes each, in order; empty without the block. */
  readonly params: readonly Parameter[];
  /** The text with imports put in and without comments; each line of the kernel's own is on a line of its own. */
  readonly text: string;
}

const paramsLine = '@group(1) @binding(0) var<uniform> params: Params;';
const paramsPattern = /@group\(1\)\s*@binding\(0\)\s*var\s*<\s*uniform\s*>\s*params\s*:\s*Params\s*;/;
const interfaces = new WeakMap<KernelSource, KernelInterface>();

/** The interface of a kernel. Throws {@link GpuError} where its file breaks the conventions. */
export function kernelInterface(source: KernelSource): KernelInterface {
  let known = interfaces.get(source);
  if (!known) {
    known = readInterface(source);
    interfaces.set(source, known);
  }
  return known;
}

/** The WGSL of a kernel with `constants` put in and its parameters as immediates or as a uniform. */
export function composeKernel(source: KernelSource, constants: KernelConstants, immediates: boolean): string {
  let { text } = kernelInterface(source);
  const directives: string[] = [];
  for (const [name, value] of Object.entries(constants)) {
    if (!/^\w+$/.test(name))
      throw new GpuError(`kernel ${source.name}: ${JSON.stringify(name)} is no name of a constant`);
    const pattern =
      typeof value === 'string'
        ? new RegExp(`^(alias ${name}\\s*=\\s*)([^;]+?)(\\s*;)`, 'm')
        : new RegExp(`^(const ${name}(?:\\s*:\\s*\\w+)?\\s*=\\s*)([^;]+?)(\\s*;)`, 'm');
    if (!pattern.test(text)) {
      throw new GpuError(
        `kernel ${source.name} has no ${typeof value === 'string' ? 'alias' : 'const'} ${name}`,
      );
    }
    text = text.replace(pattern, (_, before, old, after) => before + literal(value, old) + after);
  }
  if (Object.values(constants).includes('f16')) directives.push('enable f16;');
  if (immediates && paramsPattern.test(text)) {
    directives.push('requires immediate_address_space;');
    text = text.replace(paramsPattern, 'var<immediate> params: Params;');
  }
  return directivesFirst(text, directives);
}

/** `value` written with the suffix of the literal it replaces, so that the constant keeps its type. */
function literal(value: number | boolean | string, old: string): string {
  if (typeof value !== 'number') return String(value);
  const hexadecimal = /^-?0x/i.test(old);
  const suffix = (hexadecimal ? /[ui]$/ : /[uifh]$/).exec(old)?.[0] ?? '';
  const real = !hexadecimal && /[.fh]/.test(old);
  return (real && Number.isInteger(value) ? value.toFixed(1) : String(value)) + suffix;
}

function readInterface(source: KernelSource): KernelInterface {
  const { name } = source;
  const text = withoutComments(withImports(source, new Set()));
  const entryPoints = [...text.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)].map((match) => match[1]!);
  if (entryPoints.length !== 1) {
    throw new GpuError(`kernel ${name} has ${entryPoints.length} entry points, it must have one`);
  }
  const bindings: StorageBinding[] = [];
  for (const [, group, number, space, access = 'read', variable] of text.matchAll(
    /@group\((\d+)\)\s*@binding\((\d+)\)\s*var\s*(?:<\s*(\w+)\s*(?:,\s*(\w+)\s*)?>)?\s*(\w+)/g,
  )) {
    if (group === '1' && number === '0' && variable === 'params') continue;
    if (group !== '0' || space !== 'storage') {
      throw new GpuError(
        `kernel ${name}: ${variable} must be a storage buffer of group 0; numbers go into ${paramsLine}`,
      );
    }
    const binding = Number(number);
    if (bindings[binding]) throw new GpuError(`kernel ${name}: binding ${binding} is declared twice`);
    bindings[binding] = { name: variable!, access: access as StorageBinding['access'] };
  }
  if (bindings.includes(undefined as never)) throw new GpuError(`kernel ${name}: bindings have gaps`);
  const block = /struct Params\s*\{([^}]*)\}/.exec(text)?.[1];
  const fields = block?.matchAll(/(\w+)\s*:\s*([\w<>]+)/g) ?? [];
  const params = [...fields].map(([, field, type]): Parameter => {
    if (type !== 'u32' && type !== 'i32' && type !== 'f32') {
      throw new GpuError(`kernel ${name}: parameter ${field} is a ${type}, it must be u32, i32 or f32`);
    }
    return { name: field!, type };
  });
  if (block && !paramsPattern.test(text)) throw new GpuError(`kernel ${name} must declare ${paramsLine}`);
  return { name, entryPoint: entryPoints[0]!, bindings, params, text };
}

function withImports(source: KernelSource, seen: Set<KernelSource>): string {
  return source.text.replace(/^\/\/! import (\S+)\.wgsl$/gm, (_, path: string) => {
    const imported = source.imports[path];
    if (!imported) throw new GpuError(`kernel ${source.name} imports ${path}.wgsl, which it was not given`);
    if (seen.has(imported)) return '';
    seen.add(imported);
    return withImports(imported, seen);
  });
}

/** Removes comments but no line, so that what is commented out counts for nothing and lines keep their numbers. */
function withoutComments(text: string): string {
  if (!text.includes('//') && !text.includes('/*')) return text;
  let rest = '';
  let depth = 0; // block comments nest in WGSL
  for (let at = 0; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (depth === 0 && two === '//') {
      const end = text.indexOf('\n', at);
      at = (end < 0 ? text.length : end) - 1;
    } else if (two === '/*') {
      depth++;
      at++;
    } else if (depth > 0 && two === '*/') {
      depth--;
      at++;
      rest += ' ';
    } else if (depth === 0 || text[at] === '\n') rest += text[at];
  }
  return rest;
}

/** How many lines the composer has put before a kernel's own. */
export function directiveLines(composed: string): number {
  const directives = /^(?:(?:enable|requires|diagnostic)\b[^;]*;\n)*/.exec(composed)![0];
  return directives.split('\n').length - 1;
}

/** WGSL wants `enable`, `requires` and `diagnostic` before everything else, each once; `more` are added to them. */
function directivesFirst(text: string, more: readonly string[]): string {
  const pattern = /^[ \t]*(?:enable|requires|diagnostic)\b[^;]*;/gm;
  const own = text.match(pattern)?.map((line) => line.trim().replaceAll(/\s+/g, ' ')) ?? [];
  const directives = [...new Set([...own, ...more])];
  const rank = (line: string) =>
    ['diagnostic', 'enable', 'requires'].findIndex((word) => line.startsWith(word));
  directives.sort((a, b) => rank(a) - rank(b));
  const rest = text.replace(pattern, (directive) => directive.replaceAll(/[^\n]/g, ''));
  return [...directives, rest].join('\n');
}
