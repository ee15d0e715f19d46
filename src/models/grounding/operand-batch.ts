import { Owner } from '../../tensor/owner.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { GroundingOperands } from './cg-detr/operands.js';
import type { GroundingExample } from './examples.js';
import type { GroundingNetwork } from './grounding-network.js';

/** A batch of videos and texts on the device, written anew for each use. */
export class OperandBatch extends Owner {
  readonly operands: GroundingOperands;

  constructor(
    readonly network: GroundingNetwork,
    readonly batch: number,
  ) {
    const { runtime, config } = network;
    super(runtime);
    const { longest, text } = config;
    this.operands = this.own(() => ({
      video: runtime.zeros(network.videoShape(batch)),
      videoMask: runtime.zeros([batch, longest], 'u32'),
      text: runtime.zeros([batch, text.longest, text.channels]),
      textMask: runtime.zeros([batch, text.longest], 'u32'),
    }));
  }

  /** @param examples as many as the batch has at most; the last stands for those that are missing */
  write(examples: readonly Pick<GroundingExample, 'video' | 'clips' | 'text'>[]): void {
    this.checkAlive();
    const { video, videoMask, text, textMask } = this.operands;
    const { channels } = this.network.config.text;
    const all = Array.from({ length: this.batch }, (_, i) => examples[Math.min(i, examples.length - 1)]!);
    const rows = (tensor: Tensor, rowOf: (example: (typeof all)[number]) => ArrayLike<number>) => {
      const data = tensor.dtype === 'u32' ? new Uint32Array(tensor.size) : new Float32Array(tensor.size);
      all.forEach((example, i) => {
        data.set(rowOf(example), (i * tensor.size) / this.batch);
      });
      tensor.write(data);
    };
    const ones = (count: number) => new Uint32Array(count).fill(1);
    rows(video, (example) => example.video);
    rows(videoMask, (example) => ones(example.clips));
    rows(text, (example) => example.text);
    rows(textMask, (example) => ones(example.text.length / channels));
  }
}
