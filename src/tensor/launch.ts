import { FeatureError, GpuError, OptionError } from '../errors.js';
import type { BufferRange, DispatchCommand, LaunchOrigin } from '../gpu/commands.js';
import type { KernelSource } from '../gpu/kernel-source.js';
import type { Kernel } from '../gpu/pipelines.js';
import type { KernelConstants } from '../gpu/wgsl.js';
import { given } from './given.js';
import type { Runtime } from './runtime.js';
import { checkTensor, type Tensor } from './tensor.js';

/** One launch of a kernel, given by one of `kernel` and `source`. Buffers are named by the kernel's own variables. */
export interface Launch {
  /** A kernel as a module of its text. */
  readonly kernel?: KernelSource | undefined;
  /**
   * A kernel of the caller's own: WGSL with one `@compute` function. Its storage buffers are in group 0, numbered from 0;
   * its numbers, where it has any, are u32, i32 and f32 fields of `struct Params`, declared as
   * `@group(1) @binding(0) var<uniform> params: Params;`. The same text compiles once for each set of constants.
   */
  readonly source?: string | undefined;
  /** What labels and errors call the `source`. Default: the name of its function. */
  readonly name?: string | undefined;
  /** New values of the kernel's constants; `undefined` entries are left alone. */
  readonly constants?: Readonly<Record<string, number | boolean | string | undefined>>;
  /** An absent operand (undefined) is bound to a placeholder: the kernel must not touch it. */
  readonly buffers: Readonly<Record<string, Tensor | undefined>>;
  readonly params?: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number?, number?];
}

/** Kernels of the caller's own texts: the same text and name are the same kernel, so that it compiles once. */
export class OwnKernels {
  readonly #kernels = new Map<string, KernelSource>();

  get(text: string, name = entryPointIn(text)): KernelSource {
    const key = `${name}\n${text}`;
    let kernel = this.#kernels.get(key);
    if (!kernel) {
      kernel = { name, text, imports: {} };
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }
}

/** The name of the first function that could be launched, or a word that says that there is none. */
function entryPointIn(text: string): string {
  return /@compute[^{]*?\bfn\s+(\w+)/.exec(text)?.[1] ?? 'without a name';
}

/** The command of a launch. @throws GpuError where it does not fit the kernel */
export function dispatchOf(
  runtime: Runtime,
  source: KernelSource,
  { constants = {}, buffers, params, workgroups: [x, y = 1, z = 1] }: Launch,
  origin?: LaunchOrigin,
): DispatchCommand {
  const kernel = runtime.gpu.kernel(source, given(constants) as KernelConstants);
  const limit = runtime.traits.limits.maxComputeWorkgroupsPerDimension;
  if (!(x <= limit && y <= limit && z <= limit)) {
    throw new GpuError(
      `kernel ${source.name}: a grid of ${x} x ${y} x ${z} is over the limit of ${limit} a side`,
    );
  }
  return {
    kind: 'dispatch',
    kernel,
    ranges: bind(runtime, kernel, buffers),
    params: packParams(kernel, params),
    workgroups: [x, y, z],
    origin,
  };
}

/** The range for each binding of the kernel, in order. */
function bind(
  runtime: Runtime,
  { interface: { name: path, bindings } }: Kernel,
  buffers: Launch['buffers'],
): BufferRange[] {
  for (const name in buffers) {
    if (!bindings.some((binding) => binding.name === name)) {
      throw new GpuError(`kernel ${path} has no buffer ${name}`);
    }
  }
  const read = new Set<number>();
  const written = new Set<number>();
  return bindings.map(({ name, access }, binding) => {
    if (!(name in buffers)) throw new GpuError(`kernel ${path}: no buffer was given for ${name}`);
    const tensor = buffers[name];
    if (tensor === undefined) return runtime.gpu.placeholder(access, binding);
    checkTensor('launch', name, tensor);
    if (tensor.runtime !== runtime) {
      throw new OptionError(`launch: ${name} ${tensor} belongs to another runtime`);
    }
    const { range } = tensor;
    const { id } = range.buffer;
    const limit = runtime.traits.limits.maxStorageBufferBindingSize;
    if (range.bytes > limit) {
      throw new FeatureError(
        `kernel ${path}: ${name} ${tensor} has ${range.bytes} bytes, this adapter binds ${limit} at a time: ` +
          'use views of its rows',
      );
    }
    if (written.has(id) || (access === 'read_write' && read.has(id))) {
      throw new GpuError(`kernel ${path}: ${name} is written and bound twice: use a kernel made for it`);
    }
    (access === 'read' ? read : written).add(id);
    runtime.hold(tensor.storage);
    return range;
  });
}

function packParams(
  { interface: { name: path, params: fields } }: Kernel,
  params: Launch['params'] = {},
): Uint8Array<ArrayBuffer> | undefined {
  for (const name in params) {
    if (!fields.some((field) => field.name === name)) {
      throw new GpuError(`kernel ${path} has no parameter ${name}`);
    }
  }
  if (fields.length === 0) return undefined;
  const view = new DataView(new ArrayBuffer(fields.length * 4));
  fields.forEach(({ name, type }, i) => {
    const value = params[name];
    if (value === undefined) throw new GpuError(`kernel ${path}: parameter ${name} was not given`);
    if (type !== 'f32' && !Number.isInteger(value)) {
      throw new GpuError(`kernel ${path}: parameter ${name} is a ${type}, ${value} is no whole number`);
    }
    if (type === 'f32') view.setFloat32(i * 4, value, true);
    else if (type === 'i32') view.setInt32(i * 4, value, true);
    else view.setUint32(i * 4, value, true);
  });
  return new Uint8Array(view.buffer);
}
