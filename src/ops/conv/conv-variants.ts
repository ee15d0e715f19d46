import type { DeviceTraits } from '../../gpu/traits.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorFields, Variant } from '../op.js';
import {
  type ConvGeometry,
  isConvShuffleLegal,
  isConvStripLegal,
  isConvTiledLegal,
  prefersConvStrip,
} from './conv-geometry.js';
import { isConvMatrixLegal, prefersConvMatrix } from './conv-matrix.js';

export type ConvKernelName = 'matrix' | 'strip' | 'shuffle' | 'tiled' | 'plain';

type ConvProblem = ConvGeometry & { readonly dtype: Dtype };

/** Where each kernel is legal and a good choice, from the most special to `plain`. */
const kernels: {
  readonly [Name in ConvKernelName]: Omit<Variant<never, ConvProblem, never>, 'name' | 'run'>;
} = {
  matrix: { suits: isConvMatrixLegal, meantFor: ['hardware'], prefers: prefersConvMatrix },
  strip: { suits: isConvStripLegal, meantFor: ['software'], prefers: prefersConvStrip },
  shuffle: { suits: isConvShuffleLegal, meantFor: ['software'] },
  tiled: { suits: isConvTiledLegal, meantFor: ['hardware'] },
  plain: { suits: () => true },
};

/**
 * The variants of an operation that is made of convolutions: those of its kernels that it has.
 *
 * @param record records the operation with the kernel of that name
 * @param suits what must hold beside the kernel's own condition
 */
export function convVariants<
  Name extends ConvKernelName,
  Inputs extends TensorFields<Inputs>,
  Problem extends ConvProblem,
>(
  names: readonly Name[],
  record: (runtime: Runtime, name: Name, inputs: Inputs, output: Tensor, problem: Problem) => void,
  suits: (traits: DeviceTraits, problem: Problem, name: Name) => boolean = () => true,
): Variant<Inputs, Problem, { output: Tensor }>[] {
  return names.map((name) => ({
    ...kernels[name],
    name,
    suits: (traits, problem) => kernels[name].suits(traits, problem) && suits(traits, problem, name),
    run: (runtime, inputs, { output }, problem) => record(runtime, name, inputs, output, problem),
  }));
}
