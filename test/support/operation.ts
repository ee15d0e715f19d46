import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CaseTable } from '../../cases/support/case-table.js';
import { type HostTensor, relativeError, rounded } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { mapTensors, uploadInputs } from '../../cases/support/tensors.js';
import { gradientRules } from '../../src/autograd/rules/index.js';
import { sumErrorBound } from '../../src/ops/long-sums.js';
import type { AnyOperation } from '../../src/ops/op.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { assertWithin, compareDraws } from './draws.js';
import { checkGradient } from './gradient.js';
import { testRuntime } from './runtime.js';

type Storage = 'f32' | 'f16';

/** Seed of this run's random sizes and data; set TAL_TEST_SEED to repeat a run. */
const seed = Number(process.env.TAL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const driver = process.env.TAL_TEST_DRIVER;

/**
 * Why a second software driver is not asked about gradients, whose kernels are operations with tests of their own, and long
 * sums, whose error is that of the order of additions, which kernels fix.
 */
const again =
  (driver === 'swiftshader' || driver === 'matrix') && 'the same with every driver: runs with lavapipe';

/**
 * Random sizes a table is tested with beside its chosen ones, for each storage type. Almost every one has pipelines of its own
 * to compile, which takes SwiftShader a second for a large kernel.
 */
const randomRuns = again ? 4 : 12;

/** The variants that are tried with a driver: where it is there for tensor cores, those where an operation has one. */
function triedWith({ spec }: AnyOperation): readonly string[] {
  const names = spec.variants.map(({ name }) => name);
  return driver === 'matrix' && names.includes('matrix') ? ['matrix'] : names;
}

/**
 * Tests an operation by its table: every legal variant, forced in turn, on the chosen sizes and on fresh
 * random ones, in each storage type that the adapter has, against the double-precision reference.
 */
export async function testOperation<Size>(table: CaseTable<Size>): Promise<void> {
  const runtime = await testRuntime();
  const { operation } = table;
  describe(`${operation.name} (seed ${seed})`, () => {
    for (const storage of table.storages ?? (['f32', 'f16'] as const)) {
      const skip = storage === 'f16' && !runtime.traits.f16 ? 'this adapter has no f16' : false;
      it(`${storage}, chosen sizes`, { skip }, async () => {
        for (const [i, size] of table.sizes.entries()) {
          await compareDraws(seed + i, (data) => check(runtime, table, size, storage, data));
        }
      });
      const { long = [] } = table;
      if (long.length > 0) {
        it(`${storage}, long sums`, { skip: skip || again }, async () => {
          for (const [i, size] of long.entries()) {
            await compareDraws(seed + i, (data) => check(runtime, table, size, storage, data));
          }
        });
      }
      it(`${storage}, random sizes`, { skip }, async () => {
        await fc.assert(
          fc.asyncProperty(table.random(fc), fc.nat(), (size, firstData) =>
            compareDraws(firstData, (data) => check(runtime, table, size, storage, data)),
          ),
          { seed, numRuns: randomRuns, endOnFailure: process.env.TAL_TEST_SHRINK === undefined },
        );
      });
    }
    if (gradientRules.has(operation)) {
      it('gradient, against central differences of the reference', { skip: again }, async () => {
        let compared = 0;
        const gradient = (size: Size, firstData: number) =>
          compareDraws(firstData, (data) => checkGradient(runtime, table, size, data));
        for (const [i, size] of table.sizes.entries()) {
          if (await gradient(size, seed + i)) compared++;
        }
        await fc.assert(
          fc.asyncProperty(table.random(fc), fc.nat(), async (size, data) => {
            if (await gradient(size, data)) compared++;
          }),
          { seed, numRuns: 6, endOnFailure: process.env.TAL_TEST_SHRINK === undefined },
        );
        assert.ok(compared > 0, 'no case was small enough');
      });
    }
    it('every variant was legal for some case', () => {
      const tried = triedVariants.get(operation.name) ?? new Set();
      const missing = triedWith(operation).filter((name) => !tried.has(name));
      // A variant for a feature that this adapter lacks cannot be tried here.
      assert.ok(missing.length < triedWith(operation).length, `never tried: ${missing.join(', ')}`);
      if (missing.length > 0)
        console.log(`# ${operation.name}: not legal on this adapter: ${missing.join(', ')}`);
    });
  });
}

const triedVariants = new Map<string, Set<string>>();

/** Runs one case with every legal variant and compares. */
async function check<Size>(
  runtime: Runtime,
  table: CaseTable<Size>,
  size: Size,
  storage: Storage,
  dataSeed: number,
): Promise<void> {
  const { operation } = table;
  const made = table.make(size, new Random(dataSeed));
  const inputs = mapTensors(made.inputs, (tensor) => rounded(tensor, storage));
  const options = made.options ?? {};
  const expected = table.reference(inputs, options, size);
  let tensors = uploadInputs(runtime, inputs, storage);
  const problem = operation.spec.problem(tensors, options);
  const tried = triedVariants.get(operation.name) ?? new Set<string>();
  triedVariants.set(operation.name, tried);
  const wanted = triedWith(operation);
  for (const { name: variant } of operation.legalVariants(runtime.traits, problem)) {
    if (!wanted.includes(variant)) continue;
    tried.add(variant);
    const where = `${operation.name}/${variant} ${storage} ${JSON.stringify(size)} data seed ${dataSeed}`;
    const outputs = operation.run(tensors, options, { runtime, variant }) as Record<string, Tensor>;
    const actual: Record<string, HostTensor> = {};
    for (const [name, tensor] of Object.entries(operation.written(tensors, outputs))) {
      if (!tensor) continue;
      const kind = tensor.dtype === 'f16' ? 'float' : tensor.dtype;
      const data = await tensor.read();
      const wide = data instanceof Float32Array ? new Float64Array(data) : data;
      actual[name] = { shape: tensor.shape, kind, data: wide };
      tensor.dispose();
      const want = expected[name];
      if (!want) {
        assert.ok(table.verify, `${where}: output ${name} has no reference and the table no verify`);
        continue;
      }
      assert.deepEqual([...tensor.shape], [...want.shape], `${where}: shape of ${name}`);
      if (want.kind === 'u32' || want.kind === 'i32') {
        assert.deepEqual(wide, want.data, `${where}: ${name}`);
        continue;
      }
      const bound =
        (storage === 'f16' && tensor.dtype === 'f16'
          ? 2e-3
          : sumErrorBound(operation.spec.reduction(problem))) * (table.tolerance ?? 1);
      const error = relativeError(wide, want.data);
      assertWithin(error, bound, `${where}: ${name}`);
    }
    table.verify?.(actual, inputs, options, size);
    if (operation.spec.changes) tensors = uploadInputs(runtime, inputs, storage);
  }
  for (const tensor of Object.values(tensors)) tensor?.dispose();
}
