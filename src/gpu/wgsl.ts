import { type KernelPath, kernelSources } from '../../kernels/sources.js';
import { GpuError } from '../errors.js';

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
  readonly path: KernelPath;
  readonly entryPoint: string;
  /** Storage buffers of group 0, in binding order. */
  readonly bindings: readonly StorageBinding[];
  /** Fields of `struct Params`, 4 bytes each, in order; empty without the block. */
  readonly params: readonly Parameter[];
  /** The text with imports put in and directives first. */
  readonly text: string;
}

const paramsLine = '@group(1) @binding(0) var<uniform> params: Params;';
const interfaces = new Map<string, KernelInterface>();

/** The interface of a kernel. Throws {@link GpuError} where its file breaks the conventions. */
export function kernelInterface(path: KernelPath): KernelInterface {
  let known = interfaces.get(path);
  if (!known) {
    known = readInterface(path);
    interfaces.set(path, known);
  }
  return known;
}

/** The WGSL of a kernel with `constants` put in and its parameters as immediates or as a uniform. */
export function composeKernel(path: KernelPath, constants: KernelConstants, immediates: boolean): string {
  let { text } = kernelInterface(path);
  for (const [name, value] of Object.entries(constants)) {
    const pattern =
      typeof value === 'string'
        ? new RegExp(`^(alias ${name} = )([^;]+)(;)`, 'm')
        : new RegExp(`^(const ${name}(?:\\s*:\\s*\\w+)? = )([^;]+)(;)`, 'm');
    if (!pattern.test(text)) {
      throw new GpuError(`kernel ${path} has no ${typeof value === 'string' ? 'alias' : 'const'} ${name}`);
    }
    text = text.replace(pattern, (_, before, old, after) => before + literal(value, old) + after);
  }
  if (Object.values(constants).includes('f16')) text = `enable f16;\n${text}`;
  if (immediates && text.includes(paramsLine)) {
    text = `requires immediate_address_space;\n${text.replace(paramsLine, 'var<immediate> params: Params;')}`;
  }
  return directivesFirst(text);
}

/** `value` written with the suffix of the literal it replaces, so that the constant keeps its type. */
function literal(value: number | boolean | string, old: string): string {
  if (typeof value !== 'number') return String(value);
  const hexadecimal = /^-?0x/i.test(old);
  const suffix = (hexadecimal ? /[ui]$/ : /[uifh]$/).exec(old)?.[0] ?? '';
  const real = !hexadecimal && /[.fh]/.test(old);
  return (real && Number.isInteger(value) ? value.toFixed(1) : String(value)) + suffix;
}

function readInterface(path: KernelPath): KernelInterface {
  const text = directivesFirst(withImports(path, new Set()));
  const entryPoints = [...text.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)].map((match) => match[1]!);
  if (entryPoints.length !== 1) {
    throw new GpuError(`kernel ${path} has ${entryPoints.length} entry points, it must have one`);
  }
  const bindings: StorageBinding[] = [];
  for (const match of text.matchAll(
    /@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read|read_write)>\s*(\w+)/g,
  )) {
    const binding = Number(match[1]);
    if (bindings[binding]) throw new GpuError(`kernel ${path}: binding ${binding} is there twice`);
    bindings[binding] = { name: match[3]!, access: match[2] as StorageBinding['access'] };
  }
  if (bindings.includes(undefined as never)) throw new GpuError(`kernel ${path}: bindings have gaps`);
  const block = /struct Params\s*\{([^}]*)\}/.exec(text)?.[1];
  const fields = block?.replace(/\/\/.*$/gm, '').matchAll(/(\w+)\s*:\s*([\w<>]+)/g) ?? [];
  const params = [...fields].map(([, name, type]): Parameter => {
    if (type !== 'u32' && type !== 'i32' && type !== 'f32') {
      throw new GpuError(`kernel ${path}: parameter ${name} is a ${type}, it must be u32, i32 or f32`);
    }
    return { name: name!, type };
  });
  if (block && !text.includes(paramsLine)) throw new GpuError(`kernel ${path} must declare ${paramsLine}`);
  return { path, entryPoint: entryPoints[0]!, bindings, params, text };
}

function withImports(path: string, seen: Set<string>): string {
  if (!Object.hasOwn(kernelSources, path)) throw new GpuError(`there is no kernel file kernels/${path}.wgsl`);
  const source = kernelSources[path as KernelPath];
  return source.replace(/^\/\/! import (\S+)\.wgsl$/gm, (_, imported: string) => {
    if (seen.has(imported)) return '';
    seen.add(imported);
    return withImports(imported, seen);
  });
}

/** WGSL wants `enable`, `requires` and `diagnostic` before everything else, each once. */
function directivesFirst(text: string): string {
  const pattern = /^(?:enable|requires|diagnostic)\b[^;]*;[ \t]*\n?/gm;
  const directives = [...new Set(text.match(pattern)?.map((line) => line.trim()))];
  const rank = (line: string) =>
    ['diagnostic', 'enable', 'requires'].findIndex((word) => line.startsWith(word));
  directives.sort((a, b) => rank(a) - rank(b));
  return [...directives, text.replace(pattern, '')].join('\n');
}
