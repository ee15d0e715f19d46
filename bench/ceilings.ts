import copyKernel from '../kernels/ceiling/copy.wgsl.js';
import multiplyAddKernel from '../kernels/ceiling/multiply_add.wgsl.js';
import { spread } from '../src/ops/grid.js';
import type { Runtime } from '../src/tensor/runtime.js';
import { interleave } from './measure.js';

/** What this adapter can do at most, measured. */
export interface Ceilings {
  /** 10^9 fused multiply-adds' flops a second, f32. */
  readonly gflops: number;
  /** 10^9 bytes a second, read plus written. */
  readonly gigabytes: number;
}

export async function measureCeilings(runtime: Runtime, rounds: number): Promise<Ceilings> {
  const count = 2 ** 21;
  const rounds_ = 2048;
  const chains = runtime.traits.deviceClass === 'software' ? 2 ** 13 : 2 ** 20;
  const source = runtime.zeros([count * 4]);
  const target = runtime.empty([count * 4]);
  const out = runtime.empty([chains]);
  const timings = await interleave(
    [
      {
        name: 'copy',
        async run(repeats) {
          for (let i = 0; i < repeats; i++) {
            runtime.launch({
              kernel: copyKernel,
              buffers: { source, target_: target },
              params: { count },
              workgroups: spread(count),
            });
          }
          await runtime.finish();
        },
      },
      {
        name: 'multiply-add',
        async run(repeats) {
          for (let i = 0; i < repeats; i++) {
            runtime.launch({
              kernel: multiplyAddKernel,
              buffers: { out },
              params: { rounds: rounds_, a: 0.999, b: 0.001 },
              workgroups: spread(chains),
            });
          }
          await runtime.finish();
        },
      },
    ],
    rounds,
  );
  for (const tensor of [source, target, out]) tensor.dispose();
  return {
    gigabytes: (2 * 16 * count) / timings.get('copy')!.min / 1e6,
    gflops: (64 * chains * rounds_) / timings.get('multiply-add')!.min / 1e6,
  };
}
