import assert from 'node:assert/strict';
import type { CaseTable, HostTensors } from '../../cases/support/case-table.js';
import { type HostTensor, rounded } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { mapTensors, uploadInputs } from '../../cases/support/tensors.js';
import { GradientTape } from '../../src/autograd/gradient-tape.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import { sizeOf } from '../../src/tensor/shape.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { assertWithin } from './draws.js';

/** Larger cases are left to the tests of the kernels: each direction costs two runs of the reference. */
const maxElements = 6000;
/** Directions along which a derivative is compared, for each operand. */
const coordinates = 24;
const directions = 6;
/** Step of the central differences, in double precision: about the third root of its epsilon. */
const step = 1e-5;

/**
 * Compares the gradient rule of an operation with central differences of the double-precision reference, for every
 * operand that is a number: along single coordinates (all of them where there are few) and random directions.
 * @returns whether the case was one to compare: small enough, of numbers, without a fused activation
 */
export async function checkGradient<Size>(
  runtime: Runtime,
  table: CaseTable<Size>,
  size: Size,
  dataSeed: number,
): Promise<boolean> {
  const { operation } = table;
  const random = new Random(dataSeed);
  const made = table.make(size, random);
  const options = made.options ?? {};
  const activation = options.activation ?? 'none';
  const inputs = mapTensors(made.inputs, (tensor) => rounded(tensor, 'f32'));
  const elements = Object.values(inputs).reduce((sum, tensor) => sum + (tensor ? tensor.data.length : 0), 0);
  if (elements > maxElements || activation !== 'none') return false;
  const constants = table.constants?.(size) ?? [];
  const names = Object.keys(inputs).filter((name) => {
    const kind = inputs[name]?.kind;
    return (kind === 'float' || kind === 'f32') && !constants.includes(name);
  });
  if (names.length === 0) return false;
  const reference = (at: HostTensors) => table.reference(at, options, size);
  const expected = Object.entries(reference(inputs)).filter(
    ([, { kind }]) => kind === 'float' || kind === 'f32',
  );
  if (expected.length === 0) return false;
  const weights = Object.fromEntries(
    expected.map(([name, { shape }]) => [
      name,
      Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random.normal())),
    ]),
  );
  const value = (at: HostTensors) => {
    const outputs = reference(at);
    let sum = 0;
    for (const [name, weight] of Object.entries(weights)) {
      outputs[name]!.data.forEach((x: number, i: number) => {
        sum += x * weight[i]!;
      });
    }
    return sum;
  };

  const tensors = uploadInputs(runtime, inputs, 'f32');
  const tape = new GradientTape(runtime);
  const problem = operation.spec.problem(tensors, options);
  for (const name of names) tape.watch(tensors[name]!);
  const outputs = runtime.withTape(tape, () => operation.run(tensors, options, { runtime })) as Record<
    string,
    Tensor
  >;
  const seeds = expected.map(
    ([name, { shape }]) => [outputs[name]!, runtime.tensor(weights[name]!, shape)] as const,
  );
  // What the rule reads must be kept by the tape: the operands and results themselves are gone.
  for (const tensor of [...Object.values(tensors), ...Object.values(outputs)]) tensor?.dispose();
  const gradients = tape.backward(
    seeds,
    names.map((name) => tensors[name]!),
  );
  for (const [i, name] of names.entries()) {
    const where = `gradient of ${operation.name} by ${name}, ${JSON.stringify(size)} data seed ${dataSeed}`;
    const tensor = gradients[i];
    assert.ok(tensor, `${where}: none came out`);
    const actual = (await tensor.read()) as Float32Array;
    tensor.dispose();
    const operand = inputs[name]!;
    const norm = Math.sqrt(actual.reduce((sum, x) => sum + x * x, 0));
    const bound =
      Math.max(2e-5, 4e-6 * Math.sqrt(operation.spec.reduction(problem))) * (table.gradientTolerance ?? 1);
    for (const direction of directionsOf(operand, random)) {
      const along = (sign: number): HostTensors => {
        const data = new Float64Array(operand.data);
        for (const [j, part] of direction) data[j]! += sign * step * part;
        return { ...inputs, [name]: { ...operand, data } };
      };
      const wanted = (value(along(1)) - value(along(-1))) / (2 * step);
      const length = Math.sqrt(direction.reduce((sum, [, part]) => sum + part * part, 0));
      const found = direction.reduce((sum, [j, part]) => sum + part * actual[j]!, 0);
      const error = Math.abs(found - wanted) / (length * Math.max(norm, 1e-3));
      assertWithin(error, bound, `${where}: ${found} instead of ${wanted}`);
    }
  }
  for (const [, seed] of seeds) seed.dispose();
  return true;
}

/** Directions as lists of (coordinate, part). */
function* directionsOf({ data }: HostTensor, random: Random): Generator<(readonly [number, number])[]> {
  const all = data.length <= coordinates;
  for (let i = 0; i < Math.min(coordinates, data.length); i++) {
    yield [[all ? i : random.whole(0, data.length - 1), 1]];
  }
  for (let i = 0; i < directions; i++) yield Array.from(data, (_, j) => [j, random.normal()] as const);
}
