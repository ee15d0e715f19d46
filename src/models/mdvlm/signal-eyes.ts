import { Linear } from '../../nn/linear.js';
import { Module } from '../../nn/module.js';
import { transpose } from '../../ops/permute.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ClipPositions, clipEncoder } from '../map-diffusion/clip-encoder.js';
import type { SignalConfig } from '../map-diffusion/config.js';
import { Recognition, type RecognitionConfig } from '../map-diffusion/recognition.js';

export interface SignalEyesConfig {
  /** T: clips of the window, each a visual token. */
  readonly count: number;
  /** How a clip of the signal becomes a vector. */
  readonly clips: SignalConfig;
  /** Size of that vector. */
  readonly hidden: number;
  readonly recognition?: RecognitionConfig;
}

/**
 * Eyes for recorded signals (ours): convolutions to one vector a clip, as those of the map-diffusion model, a learned
 * vector for each clip's place, and a linear layer to the size of the language model.
 */
export class SignalEyes extends Module {
  readonly recognition: Recognition | undefined;
  readonly #clips;
  readonly #positions;
  readonly #projector;

  /** @param size D of the language model */
  constructor(
    runtime: Runtime,
    readonly config: SignalEyesConfig,
    size: number,
  ) {
    super(runtime);
    const { count, clips, hidden, recognition } = config;
    this.#clips = this.child('clips', clipEncoder(runtime, clips, hidden, count));
    this.#positions = this.child('positions', new ClipPositions(runtime, hidden, count));
    this.#projector = this.child('projector', new Linear(runtime, hidden, size));
    this.recognition =
      recognition && this.child('recognition', new Recognition(runtime, hidden, recognition));
  }

  /** (B, channels, T · samples of a clip) to the features of the clips (B, hidden, T). */
  clips(video: Tensor): Tensor {
    return this.#clips.forward(video);
  }

  /** Features of clips (B, hidden, T) to visual tokens (B, T, D). */
  tokens(clips: Tensor): Tensor {
    return this.runtime.scope(() => this.#projector.forward(transpose(this.#positions.forward(clips))));
  }

  forward(video: Tensor): Tensor {
    return this.runtime.scope(() => this.tokens(this.clips(video)));
  }
}
