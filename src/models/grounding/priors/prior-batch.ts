import { Owner } from '../../../tensor/owner.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { PriorTargets } from '../cg-detr/objective.js';
import { mostEvents, type WindowPriors } from './prior-reader.js';

/** What priors tell of a batch of examples, on the device. */
export class PriorBatch extends Owner {
  readonly targets: PriorTargets;

  /** @param channels P: numbers of an embedding */
  constructor(
    runtime: Runtime,
    readonly batch: number,
    readonly clips: number,
    readonly channels: number,
  ) {
    super(runtime);
    this.targets = this.own(() => ({
      events: runtime.zeros([batch, mostEvents, channels]),
      eventClips: runtime.zeros([batch, mostEvents, clips], 'u32'),
      captions: runtime.zeros([batch, clips, channels]),
      captionMask: runtime.zeros([batch, clips], 'u32'),
    }));
  }

  /** @param examples as many as the batch has */
  write(examples: readonly WindowPriors[]): void {
    this.checkAlive();
    const { clips, channels } = this;
    const { events, eventClips, captions, captionMask } = this.targets;
    const eventRows = new Float32Array(events.size);
    const covered = new Uint32Array(eventClips.size);
    const captionRows = new Float32Array(captions.size);
    const captioned = new Uint32Array(captionMask.size);
    examples.forEach((example, b) => {
      example.events.forEach(({ embedding, clips: [first, last] }, i) => {
        const row = b * mostEvents + i;
        eventRows.set(embedding, row * channels);
        covered.fill(1, row * clips + first, row * clips + last);
      });
      example.captions.forEach((embedding, t) => {
        if (!embedding) return;
        captionRows.set(embedding, (b * clips + t) * channels);
        captioned[b * clips + t] = 1;
      });
    });
    events.write(eventRows);
    eventClips.write(covered);
    captions.write(captionRows);
    captionMask.write(captioned);
  }
}
