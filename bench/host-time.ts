import { narrow } from '../src/ops/array/slice.js';
import { commitTokens } from '../src/ops/sampling/commit-tokens.js';
import { decodingState } from '../src/ops/sampling/decoding.js';
import { tokenCandidates } from '../src/ops/sampling/token-candidates.js';
import type { Runtime } from '../src/tensor/runtime.js';
import { median } from './measure.js';
import { TinyModel, tiny } from './tiny-step.js';

/** What one denoising step of the tiny configuration costs the host, recorded anew each time or replayed. */
export interface HostTime {
  readonly dispatches: number;
  readonly recorded: {
    /** Milliseconds from the first operation until the device has finished the step. */
    readonly stepMs: number;
    /** JavaScript of the operations, per dispatch. */
    readonly operationsUs: number;
  };
  readonly replayed: {
    readonly stepMs: number;
    /** JavaScript that encodes a dispatch again. */
    readonly encodeUs: number;
    /** Dawn's part: closing and submitting the command buffer, per dispatch. */
    readonly submitUs: number;
    /** All of the host's time over the time of the step. */
    readonly share: number;
  };
}

/** Measures on an idle device; the first steps, which compile, do not count. */
export async function measureHostTime(runtime: Runtime, rounds: number): Promise<HostTime> {
  const { length, answer, vocabulary } = tiny;
  const model = new TinyModel(runtime);
  const maskId = vocabulary - 1;
  const tokens = runtime.tensor(new Uint32Array(length).fill(maskId), [1, length], 'u32');
  const state = decodingState(runtime);
  // The tokens stay as they are: each step does the work of the first.
  const step = () => {
    const logits = narrow(model.forward(tokens), 1, length - answer, answer);
    const found = tokenCandidates({ logits, tokens, state }, { maskId });
    return commitTokens({ tokens, ...found, state }, { maskId, stepsPerBlock: answer });
  };
  const capture = await runtime.capture(step);
  const { queue } = runtime.gpu.device;

  const times = { recordedStep: [], operations: [], replayedStep: [], encode: [], submit: [] } as Record<
    'recordedStep' | 'operations' | 'replayedStep' | 'encode' | 'submit',
    number[]
  >;
  const warmUps = 3;
  for (let round = -warmUps; round < rounds; round++) {
    const began = performance.now();
    runtime.scope(() => void step());
    const operations = performance.now() - began;
    await runtime.finish();
    const recordedStep = performance.now() - began;

    const replayBegan = performance.now();
    const encoder = runtime.gpu.device.createCommandEncoder();
    capture.encode(encoder);
    const encode = performance.now() - replayBegan;
    queue.submit([encoder.finish()]);
    const submit = performance.now() - replayBegan - encode;
    await runtime.finish();
    const replayedStep = performance.now() - replayBegan;
    if (round < 0) continue;
    for (const [name, value] of Object.entries({ recordedStep, operations, replayedStep, encode, submit })) {
      times[name as keyof typeof times].push(value);
    }
  }
  const dispatches = capture.program.steps.filter(({ kind }) => kind === 'dispatch').length;
  capture.dispose();
  model.dispose();
  for (const tensor of [tokens, state]) tensor.dispose();
  const perDispatch = (values: readonly number[]) => (1000 * median(values)) / dispatches;
  return {
    dispatches,
    recorded: { stepMs: median(times.recordedStep), operationsUs: perDispatch(times.operations) },
    replayed: {
      stepMs: median(times.replayedStep),
      encodeUs: perDispatch(times.encode),
      submitUs: perDispatch(times.submit),
      share: (median(times.encode) + median(times.submit)) / median(times.replayedStep),
    },
  };
}

export function printHostTime({ dispatches, recorded, replayed }: HostTime): void {
  const us = (value: number) => `${value.toFixed(1)} us`;
  console.log(
    [
      `one denoising step, tiny configuration (${tiny.layers} layers of ${tiny.width}, ${tiny.length} positions): ${dispatches} dispatches`,
      `  recorded anew   ${recorded.stepMs.toFixed(2)} ms a step; JavaScript of the operations ${us(recorded.operationsUs)} a dispatch, before it is encoded`,
      `  replayed        ${replayed.stepMs.toFixed(2)} ms a step; encoding ${us(replayed.encodeUs)} of JavaScript a dispatch, submitting ${us(replayed.submitUs)}`,
      `  the host's share of a replayed step: ${(100 * replayed.share).toFixed(1)} %`,
    ].join('\n'),
  );
}
