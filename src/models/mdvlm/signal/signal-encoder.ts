import {
  callback,
  checkArgument,
  checkArguments,
  instanceOf,
  integer,
  onlyFields,
  optional,
  type Rule,
} from '../../../arguments.js';
import { Linear } from '../../../nn/linear.js';
import { Module } from '../../../nn/module.js';
import { add } from '../../../ops/array/binary.js';
import { transpose } from '../../../ops/array/permute.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';
import { SignalClips } from '../../common/signal-clips.js';
import { type SignalConfig, signalRule } from '../../common/signal-config.js';
import { ClipPositions } from '../../map-diffusion/clip-encoder.js';
import { recognitionRule } from '../../map-diffusion/config.js';
import { Recognition, type RecognitionConfig } from '../../map-diffusion/recognition.js';
import { TimeTokens } from '../time-tokens.js';

export interface SignalEncoderConfig {
  /** T: clips of the window, each a visual token. */
  readonly count: number;
  /** How a clip of the signal becomes a vector. */
  readonly clips: SignalConfig;
  /** Size of that vector. */
  readonly hidden: number;
  readonly recognition?: RecognitionConfig;
}

export const signalEncoderRule: Rule<SignalEncoderConfig> = onlyFields<SignalEncoderConfig>({
  count: integer(1),
  clips: signalRule,
  hidden: integer(1),
  recognition: optional(recognitionRule),
});

/**
 * VisualTokenEncoder for recorded signals (ours): convolutions to one vector a clip, as those of the map-diffusion model, a learned
 * vector for each clip's place, a linear layer to the size of the language model, and the time at which the clip begins,
 * in the language model's own word for it: an answer can repeat what it saw.
 */
export class SignalEncoder extends Module {
  readonly recognition: Recognition | undefined;
  readonly #clips;
  readonly #positions;
  readonly #projector;
  readonly #times: Tensor;

  /**
   * @param embed ids to embeddings of the language model, of size D
   * @param times time tokens over the window
   * @throws OptionError
   */
  constructor(
    runtime: Runtime,
    readonly config: SignalEncoderConfig,
    size: number,
    readonly embed: (ids: Tensor) => Tensor,
    times: TimeTokens,
  ) {
    checkArguments(
      'SignalEncoder',
      { runtime, config, size, embed, times },
      {
        runtime: anyRuntime,
        config: signalEncoderRule,
        size: integer(1),
        embed: callback,
        times: instanceOf(TimeTokens, 'a TimeTokens'),
      },
    );
    super(runtime);
    const { count, clips, hidden, recognition } = config;
    this.#clips = this.child('clips', new SignalClips(runtime, clips, hidden));
    this.#positions = this.child('positions', new ClipPositions(runtime, hidden, count));
    this.#projector = this.child('projector', new Linear(runtime, hidden, size));
    const starts = Array.from({ length: count }, (_, clip) => times.id(times.encode(clip, count)));
    this.recognition =
      recognition && this.child('recognition', new Recognition(runtime, hidden, recognition));
    this.#times = this.own(() => runtime.tensor(starts, [1, count], 'u32'));
  }

  /** (B, channels, T · samples of a clip) to the features of the clips (B, hidden, T). */
  clips(video: Tensor): Tensor {
    checkArgument('SignalEncoder.clips', 'video', video, anyTensor);
    return this.#clips.forward(video);
  }

  /** Features of clips (B, hidden, T) to visual tokens (B, T, D). */
  tokens(clips: Tensor): Tensor {
    checkArgument('SignalEncoder.tokens', 'clips', clips, anyTensor);
    return this.runtime.scope(() =>
      add(this.#projector.forward(transpose(this.#positions.forward(clips))), this.embed(this.#times)),
    );
  }

  forward(video: Tensor): Tensor {
    checkArgument('SignalEncoder.forward', 'video', video, anyTensor);
    return this.runtime.scope(() => this.tokens(this.clips(video)));
  }
}
