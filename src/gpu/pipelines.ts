import { FeatureError, GpuError } from '../errors.js';
import { computeStage } from './flags.js';
import type { KernelSource } from './kernel-source.js';
import type { GPUBindGroupLayout, GPUComputePipeline, GPUDevice } from './webgpu.js';
import {
  composeKernel,
  directiveLines,
  type KernelConstants,
  type KernelInterface,
  kernelInterface,
} from './wgsl.js';

/** A kernel with its constants fixed, compiled or on the way. */
export interface Kernel {
  readonly interface: KernelInterface;
  readonly constants: KernelConstants;
  readonly bindGroupLayout: GPUBindGroupLayout;
  /** Parameters go as immediates (true) or through the uniform ring. */
  readonly immediates: boolean;
  /** Resolves when compiled; rejects with GpuError. */
  readonly compiled: Promise<void>;
  /** There once `compiled` has resolved. */
  pipeline: GPUComputePipeline | undefined;
}

/** Compiles each kernel and set of constants once; compilations run in parallel. */
export class PipelineCache {
  readonly #kernels = new Map<KernelSource, Map<string, Kernel>>();
  #size = 0;
  readonly #storageLayouts = new Map<string, GPUBindGroupLayout>();
  readonly #maxImmediateBytes: number;
  /** The layout of group 1: one uniform block with a dynamic offset. */
  readonly uniformLayout: GPUBindGroupLayout;

  constructor(
    readonly device: GPUDevice,
    immediates: boolean,
  ) {
    this.#maxImmediateBytes = immediates ? (device.limits.maxImmediateSize ?? 0) : 0;
    this.uniformLayout = device.createBindGroupLayout({
      entries: [
        {
          binding: 0,
          visibility: computeStage,
          buffer: { type: 'uniform', hasDynamicOffset: true },
        },
      ],
    });
  }

  /** Number of pipelines made so far. */
  get size(): number {
    return this.#size;
  }

  /** The kernel, whose compilation starts now if it was never asked for before. */
  get(source: KernelSource, constants: KernelConstants = {}): Kernel {
    let made = this.#kernels.get(source);
    if (!made) {
      made = new Map();
      this.#kernels.set(source, made);
    }
    const key = JSON.stringify(constants);
    let kernel = made.get(key);
    if (!kernel) {
      kernel = this.#compile(source, constants);
      made.set(key, kernel);
      this.#size++;
    }
    return kernel;
  }

  #compile(source: KernelSource, constants: KernelConstants): Kernel {
    const description = kernelInterface(source);
    const paramBytes = description.params.length * 4;
    const immediates = paramBytes > 0 && paramBytes <= this.#maxImmediateBytes;
    const code = composeKernel(source, constants, immediates);
    const set = Object.keys(constants).length > 0 ? ` ${JSON.stringify(constants)}` : '';
    const label = `${source.name}${set}`;
    const bindGroupLayout = this.#storageLayout(description);
    const layouts = [bindGroupLayout];
    if (paramBytes > 0 && !immediates) layouts.push(this.uniformLayout);
    const { device } = this;
    // The pipeline's own rejection tells of every error; in the scope they are not reported a second time.
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label, code });
    const layout = device.createPipelineLayout({
      bindGroupLayouts: layouts,
      ...(immediates && { immediateSize: paramBytes }),
    });
    device.popErrorScope().catch(() => {});
    const pipeline = device.createComputePipelineAsync({
      label,
      layout,
      compute: { module, entryPoint: description.entryPoint },
    });
    const kernel: Kernel = {
      interface: description,
      constants,
      bindGroupLayout,
      immediates,
      pipeline: undefined,
      compiled: pipeline.then(
        (made) => {
          kernel.pipeline = made;
        },
        async (cause: unknown) => {
          throw await compilationError(label, module, code, cause);
        },
      ),
    };
    // A failure is reported by the flush that needs the kernel; until then it is nobody's yet.
    kernel.compiled.catch(() => {});
    return kernel;
  }

  #storageLayout(description: KernelInterface): GPUBindGroupLayout {
    const limit = this.device.limits.maxStorageBuffersPerShaderStage;
    if (description.bindings.length > limit) {
      throw new FeatureError(
        `kernel ${description.name} needs ${description.bindings.length} storage buffers, this device allows ${limit}`,
      );
    }
    const key = description.bindings.map((binding) => binding.access).join();
    let layout = this.#storageLayouts.get(key);
    if (!layout) {
      layout = this.device.createBindGroupLayout({
        entries: description.bindings.map(({ access }, binding) => ({
          binding,
          visibility: computeStage,
          buffer: { type: access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
        })),
      });
      this.#storageLayouts.set(key, layout);
    }
    return layout;
  }
}

async function compilationError(
  label: string,
  module: GPUShaderModule,
  code: string,
  cause: unknown,
): Promise<GpuError> {
  const lines = code.split('\n');
  const before = directiveLines(code);
  const messages = await module.getCompilationInfo().then(
    (info) =>
      info.messages.map(
        ({ lineNum, linePos, type, message }) =>
          `${lineNum > before ? lineNum - before : lineNum}:${linePos} ${type}: ${message}\n  ${lines[lineNum - 1]?.trim() ?? ''}`,
      ),
    () => [],
  );
  const details = messages.length > 0 ? messages.join('\n') : (cause as Error).message;
  return new GpuError(`kernel ${label} does not compile:\n${details}`, { cause });
}
