import { Owner } from '../../tensor/owner.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { CgDetrTargets } from './cg-detr/objective.js';
import { clipPairs, mostMoments } from './clip-targets.js';
import type { GroundingConfig } from './config.js';
import type { GroundingExample } from './examples.js';
import { PriorBatch } from './priors/prior-batch.js';

/** What is true of a batch of examples, on the device. */
export class TargetBatch extends Owner {
  readonly targets: CgDetrTargets;
  readonly #longest: number;
  readonly #priors: PriorBatch | undefined;

  /** @param priorChannels numbers of an embedding, where losses learn from priors */
  constructor(
    runtime: Runtime,
    { longest, network }: GroundingConfig,
    readonly batch: number,
    priorChannels?: number,
  ) {
    super(runtime);
    this.#longest = longest;
    this.#priors =
      priorChannels === undefined
        ? undefined
        : this.takeOver(new PriorBatch(runtime, batch, longest, priorChannels));
    const moments = Math.min(mostMoments, network.decoder.queries);
    const own = this.own(() => ({
      spans: runtime.zeros([batch, moments, 2]),
      spanCounts: runtime.zeros([batch], 'u32'),
      moments: runtime.zeros([batch, longest], 'u32'),
      levels: runtime.zeros([batch, longest]),
      higher: runtime.zeros([batch, clipPairs], 'u32'),
      lower: runtime.zeros([batch, clipPairs], 'u32'),
      otherVideo: runtime.zeros([batch]),
    }));
    this.targets = { ...own, ...(this.#priors && { priors: this.#priors.targets }) };
  }

  /** @param examples as many as the batch has */
  write(examples: readonly GroundingExample[]): void {
    this.checkAlive();
    const { targets } = this;
    const moments = targets.spans.shape[1]!;
    const rows = <T extends Float32Array | Uint32Array>(
      data: T,
      rowOf: (example: GroundingExample) => readonly number[],
    ): T => {
      examples.forEach((example, i) => {
        data.set(rowOf(example), (i * data.length) / this.batch);
      });
      return data;
    };
    const f32 = (name: keyof Omit<CgDetrTargets, 'priors'>) => new Float32Array(targets[name].size);
    const u32 = (name: keyof Omit<CgDetrTargets, 'priors'>) => new Uint32Array(targets[name].size);
    const spansOf = ({ targets: { spans } }: GroundingExample) => spans.slice(0, moments);
    // A pair without a clip has the number behind the last.
    const clip = (index: number) => (index < 0 ? this.#longest : index);
    targets.spans.write(rows(f32('spans'), (example) => spansOf(example).flat()));
    targets.spanCounts.write(rows(u32('spanCounts'), (example) => [spansOf(example).length]));
    targets.moments.write(rows(u32('moments'), (example) => example.targets.moments.map(Number)));
    targets.levels.write(rows(f32('levels'), (example) => example.targets.levels));
    targets.higher.write(rows(u32('higher'), ({ targets: { pairs } }) => pairs.map(([high]) => clip(high))));
    targets.lower.write(rows(u32('lower'), ({ targets: { pairs } }) => pairs.map(([, low]) => clip(low))));
    this.#priors?.write(examples.map(({ priors }) => priors!));
    targets.otherVideo.write(
      Float32Array.from(examples, ({ id }, i) => Number(examples[(i + 1) % examples.length]!.id !== id)),
    );
  }
}
