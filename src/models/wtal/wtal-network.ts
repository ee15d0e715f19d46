import { checkArguments, integer, onlyFields } from '../../arguments.js';
import { Module } from '../../nn/module.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { DiffusionBranch } from './actiondiff/diffusion-branch.js';
import { makeDiffusionBranch } from './actiondiff/make-branch.js';
import type { BaseOutputs, WtalBase } from './base.js';
import { type BaseConfig, makeBase } from './bases/make-base.js';
import { Snippets, snippetChannels } from './snippets.js';
import { type WtalConfig, wtalRules } from './wtal-config.js';

/** The network of a weakly supervised model: snippets, a base that scores them, and a diffusion branch where it has one. */
export class WtalNetwork extends Module {
  readonly snippets: Snippets;
  readonly base: WtalBase;
  readonly diffusion: DiffusionBranch | undefined;

  /**
   * @param classes K, the background among them as the last
   * @throws OptionError
   */
  constructor(
    runtime: Runtime,
    readonly config: WtalConfig,
    classes: number,
  ) {
    checkArguments(
      'WtalNetwork',
      { runtime, config, classes },
      { runtime: anyRuntime, config: onlyFields(wtalRules), classes: integer(2) },
    );
    super(runtime);
    this.snippets = this.child('snippets', new Snippets(runtime, config.snippets));
    this.base = this.child(
      'base',
      makeBase(runtime, {
        ...config.base,
        channels: snippetChannels(config.snippets),
        classes,
      } as BaseConfig),
    );
    const { diffusion } = config;
    this.diffusion = diffusion && this.child('diffusion', makeDiffusionBranch(runtime, diffusion, this.base));
  }

  /** Bags as `Snippets.forward` takes them, to what the base says about their snippets. @throws ShapeError */
  forward(bags: Tensor): BaseOutputs {
    return this.runtime.scope(() => this.base.forward(this.snippets.forward(bags)));
  }
}
