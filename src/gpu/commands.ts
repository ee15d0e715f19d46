import { GpuError } from '../errors.js';
import type { Kernel } from './pipelines.js';
import type { PooledBuffer } from './pool.js';
import type { PassTimer } from './timing.js';
import type {
  GPUBindGroup,
  GPUBindGroupLayout,
  GPUCommandEncoder,
  GPUComputePipeline,
  GPUDevice,
} from './webgpu.js';

/** A chunk of a buffer. `offset` is a multiple of 256, `bytes` of 4. */
export interface BufferRange {
  readonly buffer: PooledBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** The operation that made a launch, for a profile. */
export interface LaunchOrigin {
  readonly operation: string;
  readonly variant: string;
  /** Of the first output. */
  readonly shape: readonly number[];
}

export interface DispatchCommand {
  readonly kind: 'dispatch';
  readonly kernel: Kernel;
  /** One range per binding of the kernel, in order. */
  readonly ranges: readonly BufferRange[];
  readonly params: Uint8Array<ArrayBuffer> | undefined;
  readonly workgroups: readonly [number, number, number];
  /** Undefined where the kernel was launched by itself. */
  readonly origin: LaunchOrigin | undefined;
}

export interface UploadCommand {
  readonly kind: 'upload';
  readonly target: BufferRange;
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface CopyCommand {
  readonly kind: 'copy';
  readonly source: BufferRange;
  readonly target: BufferRange;
}

export interface ReplayCommand {
  readonly kind: 'replay';
  readonly program: Program;
}

/** What the runtime records; carried out in order at the next flush. */
export type Command = DispatchCommand | UploadCommand | CopyCommand | ReplayCommand;

/** Commands with their pipelines, bind groups and parameters resolved: encoding them is all that is left. */
export interface Program {
  readonly steps: readonly Step[];
  /** Parameter blocks of the dispatches without immediates. */
  readonly uniforms: PooledBuffer | undefined;
}

export interface DispatchStep {
  readonly kind: 'dispatch';
  /** Of the kernel. */
  readonly name: string;
  readonly origin: LaunchOrigin | undefined;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly immediates: Uint8Array<ArrayBuffer> | undefined;
  /** Where the parameter block lies in the uniform group: one dynamic offset. */
  readonly uniformOffsets: readonly [number];
  readonly uniformGroup: GPUBindGroup | undefined;
  readonly workgroups: readonly [number, number, number];
}

export type Step = DispatchStep | UploadCommand | CopyCommand | ReplayCommand;

/** Bind groups by layout and buffers; emptied when it is full. */
export class BindGroupCache {
  readonly #groups = new Map<GPUBindGroupLayout, Map<string, GPUBindGroup>>();
  #size = 0;

  constructor(
    readonly device: GPUDevice,
    readonly capacity = 8192,
  ) {}

  get size(): number {
    return this.#size;
  }

  get(layout: GPUBindGroupLayout, ranges: readonly BufferRange[]): GPUBindGroup {
    let key = '';
    for (const range of ranges) key += `${range.buffer.id}:${range.offset}:${range.bytes} `;
    const known = this.#groups.get(layout)?.get(key);
    if (known) return known;
    const group = this.device.createBindGroup({
      layout,
      entries: ranges.map(({ buffer, offset, bytes }, binding) => ({
        binding,
        resource: { buffer: buffer.buffer, offset, size: bytes },
      })),
    });
    if (this.#size === this.capacity) this.clear();
    const groups = this.#groups.get(layout);
    if (groups) groups.set(key, group);
    else this.#groups.set(layout, new Map([[key, group]]));
    this.#size++;
    return group;
  }

  clear(): void {
    this.#groups.clear();
    this.#size = 0;
  }
}

/** What `resolve` needs of its owner. */
export interface ProgramContext {
  readonly device: GPUDevice;
  readonly bindGroups: BindGroupCache;
  readonly uniformLayout: GPUBindGroupLayout;
  acquireUniforms(bytes: number): PooledBuffer;
}

/** Resolves recorded commands whose kernels have been compiled. */
export function resolve(commands: readonly Command[], context: ProgramContext): Program {
  const { device } = context;
  const stride = device.limits.minUniformBufferOffsetAlignment;
  const blockBytes = (params: Uint8Array) => Math.ceil(params.byteLength / stride) * stride;
  let uniformBytes = 0;
  let largestBlock = 0;
  for (const command of commands) {
    if (command.kind === 'dispatch' && command.params && !command.kernel.immediates) {
      uniformBytes += blockBytes(command.params);
      largestBlock = Math.max(largestBlock, blockBytes(command.params));
    }
  }
  // The bound window is as large as the largest block: the last block needs that much after its offset.
  const uniforms = uniformBytes > 0 ? context.acquireUniforms(uniformBytes + largestBlock) : undefined;
  const blocks = new Uint8Array(uniformBytes);
  const uniformGroup =
    uniforms &&
    device.createBindGroup({
      layout: context.uniformLayout,
      entries: [{ binding: 0, resource: { buffer: uniforms.buffer, size: largestBlock } }],
    });
  let offset = 0;
  const steps = commands.map((command): Step => {
    if (command.kind !== 'dispatch') return command;
    const { kernel, params, workgroups, origin } = command;
    if (!kernel.pipeline) throw new GpuError(`kernel ${kernel.interface.name} has not been compiled`);
    const inUniform = params !== undefined && !kernel.immediates;
    const uniformOffsets = [offset] as const;
    if (inUniform) {
      blocks.set(params, offset);
      offset += blockBytes(params);
    }
    return {
      kind: 'dispatch',
      name: kernel.interface.name,
      origin,
      pipeline: kernel.pipeline,
      bindGroup: context.bindGroups.get(kernel.bindGroupLayout, command.ranges),
      immediates: inUniform ? undefined : params,
      uniformOffsets,
      uniformGroup: inUniform ? uniformGroup : undefined,
      workgroups,
    };
  });
  if (uniforms) device.queue.writeBuffer(uniforms.buffer, 0, blocks);
  return { steps, uniforms };
}

/**
 * Encodes programs: dispatches share one compute pass until a copy or an upload comes between.
 * An upload is a write of the queue, so what was encoded before it is submitted first.
 */
export class ProgramEncoder {
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #pipeline: GPUComputePipeline | undefined;

  constructor(
    readonly device: GPUDevice,
    /** The caller's encoder, where there is one: then nothing may need a submission in between. */
    readonly foreign?: GPUCommandEncoder,
    readonly timer?: PassTimer,
  ) {
    this.#encoder = foreign;
  }

  encode(program: Program): void {
    for (const step of program.steps) {
      switch (step.kind) {
        case 'dispatch':
          this.#dispatch(step);
          break;
        case 'copy': {
          this.#endPass();
          const { source, target } = step;
          this.#commands().copyBufferToBuffer(
            source.buffer.buffer,
            source.offset,
            target.buffer.buffer,
            target.offset,
            source.bytes,
          );
          break;
        }
        case 'upload':
          if (this.foreign) {
            throw new GpuError('a capture with uploads cannot be encoded: make its constants before it');
          }
          this.submit();
          this.device.queue.writeBuffer(step.target.buffer.buffer, step.target.offset, step.data);
          break;
        case 'replay':
          this.encode(step.program);
      }
    }
  }

  /** Ends the pass and, unless the encoder is the caller's, submits it. */
  submit(): void {
    this.#endPass();
    if (this.#encoder && !this.foreign) {
      this.device.queue.submit([this.#encoder.finish()]);
      this.#encoder = undefined;
    }
  }

  #dispatch(step: DispatchStep): void {
    if (!this.#pass) this.#pass = this.#commands().beginComputePass(this.timer?.passDescriptor());
    const pass = this.#pass;
    if (this.#pipeline !== step.pipeline) {
      pass.setPipeline(step.pipeline);
      this.#pipeline = step.pipeline;
    }
    // Each call into Dawn, and each argument, costs about as much as all else here.
    pass.setBindGroup(0, step.bindGroup);
    if (step.immediates) pass.setImmediates(0, step.immediates);
    if (step.uniformGroup) pass.setBindGroup(1, step.uniformGroup, step.uniformOffsets);
    const [x, y, z] = step.workgroups;
    if (y * z === 1) pass.dispatchWorkgroups(x);
    else pass.dispatchWorkgroups(x, y, z);
    if (this.timer?.passPerLaunch) this.#endPass();
  }

  #commands(): GPUCommandEncoder {
    this.#encoder ??= this.device.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#pipeline = undefined;
  }
}
