import { writeFile } from 'node:fs/promises';
import { caseTables } from '../cases/index.js';
import { type HostTensor, rounded } from '../cases/support/host.js';
import { Random } from '../cases/support/random.js';
import { mapTensors, uploadInputs } from '../cases/support/tensors.js';
import { encodeSelfTestCases, type StoredCase, selfTestFile } from '../src/cli/shared/self-test-cases.js';
import { Runtime } from '../src/tensor/runtime.js';
import { maskedGolden } from './support/masked-golden.js';

/**
 * Writes data/self-test.safetensors: small cases of every operation, enough for each of its variants, with the
 * answers of the double-precision reference, so that `tal doctor` can check every kernel where there is no
 * compiler. And test/ops/sampling-golden.json: tokens that every driver has to sample from the same logits.
 */
const mostElements = 4000;

const runtime = await Runtime.create();
const stored: StoredCase[] = [];
for (const table of caseTables) {
  const { operation } = table;
  const candidates = table.sizes
    .map((size) => {
      const made = table.make(size, new Random(7));
      const inputs = mapTensors(made.inputs, (tensor) => rounded(tensor, 'f32'));
      const options = made.options ?? {};
      const tensors = uploadInputs(runtime, inputs, 'f32');
      const problem = operation.spec.problem(tensors, options);
      const variants = operation.legalVariants(runtime.traits, problem).map(({ name }) => name);
      for (const tensor of Object.values(tensors)) tensor?.dispose();
      const outputs = (table.selfTestAnswers ?? table.reference)(inputs, options, size);
      const elements = [...Object.values(inputs), ...Object.values(outputs)]
        .map((tensor) => tensor?.data.length ?? 0)
        .reduce((a, b) => a + b, 0);
      return { inputs, options, outputs, elements, variants };
    })
    .filter(({ outputs }) => Object.keys(outputs).length > 0)
    .sort((a, b) => a.elements - b.elements);
  // The smallest ones say little: from those of a fair size, each that tries a variant not tried before.
  const fair = candidates.findIndex(({ elements }) => elements >= 64);
  const ordered = fair < 0 ? candidates : [...candidates.slice(fair), ...candidates.slice(0, fair)];
  const tried = new Set<string>();
  for (const { inputs, options, outputs, elements, variants } of ordered) {
    if (tried.size > 0 && (elements > mostElements || variants.every((name) => tried.has(name)))) continue;
    for (const name of variants) tried.add(name);
    stored.push({
      operation: operation.name,
      options,
      inputs: store(inputs),
      outputs: store(outputs),
      tolerance: table.tolerance ?? 1,
    });
  }
}
await writeFile(
  new URL('../../test/ops/sampling-golden.json', import.meta.url),
  `${JSON.stringify(await maskedGolden(runtime), undefined, 2)}\n`,
);
runtime.destroy();

const bytes = encodeSelfTestCases(stored);
await writeFile(selfTestFile, bytes);
console.log(`${stored.length} cases, ${bytes.length} bytes`);

function store(tensors: Readonly<Record<string, HostTensor | undefined>>): StoredCase['inputs'] {
  const entries = Object.entries(tensors).flatMap(([name, tensor]) => {
    if (!tensor) return [];
    const { kind, shape, data } = tensor;
    const array =
      data instanceof Float64Array
        ? { shape, dtype: 'f32' as const, data: Float32Array.from(data) }
        : { shape, dtype: kind as 'u32' | 'i32', data };
    return [[name, array] as const];
  });
  return Object.fromEntries(entries) as StoredCase['inputs'];
}
