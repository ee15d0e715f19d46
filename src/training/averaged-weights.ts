import type { Runtime } from '../tensor/runtime.js';
import type { UpdateGroup } from './turn-run.js';

/** Runs `body` while the averages of the weights stand in their place. */
export async function withAverages<T>(
  runtime: Runtime,
  groups: readonly UpdateGroup[],
  body: () => Promise<T>,
): Promise<T> {
  const weights = groups.flatMap((group) => Object.values(group.weights));
  const copies = runtime.detached(() =>
    weights.map((weight) => {
      const copy = runtime.empty(weight.shape);
      copy.assign(weight);
      return copy;
    }),
  );
  try {
    for (const { optimizer } of groups) optimizer.useAverage();
    return await body();
  } finally {
    for (const [i, weight] of weights.entries()) {
      weight.assign(copies[i]!);
      copies[i]!.dispose();
    }
  }
}
