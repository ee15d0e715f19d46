import { fileURLToPath } from 'node:url';
import type { NumericArray } from '../../data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../data/formats/safetensors.js';

type Arrays = Readonly<Record<string, NumericArray<'f32' | 'u32' | 'i32'>>>;

/** One small case of an operation with its double-precision answer. */
export interface StoredCase {
  readonly operation: string;
  readonly options: unknown;
  readonly inputs: Arrays;
  readonly outputs: Arrays;
  /** Times the usual error bound. */
  readonly tolerance: number;
}

/**
 * A safetensors file: the tensors are named `CASE/inputs/NAME` and `CASE/outputs/NAME`, CASE counting from 0; all else
 * of the cases is JSON in the metadata, under `cases`. `npm run golden` writes it.
 */
export const selfTestFile = fileURLToPath(new URL('../../../../data/self-test.safetensors', import.meta.url));

export function encodeSelfTestCases(cases: readonly StoredCase[]): Uint8Array {
  const tensors = cases.flatMap((stored, i) =>
    (['inputs', 'outputs'] as const).flatMap((role) =>
      Object.entries(stored[role]).map(([name, array]) => [`${i}/${role}/${name}`, array] as const),
    ),
  );
  const described = cases.map(({ operation, options, tolerance }) => ({ operation, options, tolerance }));
  return encodeSafetensors(Object.fromEntries(tensors), { cases: JSON.stringify(described) });
}

/** Reads the cases of the self-test; those of an operation follow each other. */
export async function readSelfTestCases(): Promise<readonly StoredCase[]> {
  const file = await openSafetensors(selfTestFile);
  try {
    const described = JSON.parse(file.metadata.cases!) as Omit<StoredCase, 'inputs' | 'outputs'>[];
    const cases = described.map((each) => ({
      ...each,
      inputs: {} as Record<string, NumericArray>,
      outputs: {} as Record<string, NumericArray>,
    }));
    for (const path of file.tensors.keys()) {
      const [i, role, name] = path.split('/') as [string, 'inputs' | 'outputs', string];
      cases[Number(i)]![role][name] = await file.read(path);
    }
    return cases as readonly StoredCase[];
  } finally {
    await file.close();
  }
}
