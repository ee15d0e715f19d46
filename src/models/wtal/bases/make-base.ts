import { checkArguments, objectBy, oneOf, onlyFields, type Rules } from '../../../arguments.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { WtalBase } from '../base.js';
import { Cmcs, type CmcsConfig, cmcsRules } from '../cmcs.js';
import { Co2Net, type Co2NetConfig, co2NetRules } from './co2net.js';
import { FourHead, type FourHeadConfig, fourHeadRules } from './four-head.js';
import { LocalBase, type LocalConfig, localRules } from './local.js';

export interface Co2NetBase extends Co2NetConfig {
  readonly kind: 'co2net';
}

export interface FourHeadBase extends FourHeadConfig {
  readonly kind: 'four-head';
}

export interface CmcsBase extends CmcsConfig {
  readonly kind: 'cmcs';
}

export interface LocalBaseConfig extends LocalConfig {
  readonly kind: 'local';
}

/** A base and its sizes, as a file has them. */
export type BaseConfig = Co2NetBase | FourHeadBase | CmcsBase | LocalBaseConfig;

/** A base as a recipe has it: its channels are those of the snippets, its classes those of the data. */
export type BaseRecipe =
  | Omit<Co2NetBase, 'channels' | 'classes'>
  | Omit<FourHeadBase, 'channels' | 'classes'>
  | Omit<CmcsBase, 'channels' | 'classes'>
  | Omit<LocalBaseConfig, 'channels' | 'classes'>;

/** The rules of a base and of its recipe, which says neither channels nor classes. */
function kindOf<T extends { readonly channels: number; readonly classes: number }>(rules: Rules<T>) {
  const { channels: _, classes: __, ...own } = rules;
  return {
    base: onlyFields<T>(rules),
    recipe: onlyFields<Omit<T, 'channels' | 'classes'>>(own as Rules<Omit<T, 'channels' | 'classes'>>),
  };
}

const co2net = kindOf<Co2NetBase>({ kind: oneOf('co2net'), ...co2NetRules });
const fourHead = kindOf<FourHeadBase>({ kind: oneOf('four-head'), ...fourHeadRules });
const cmcs = kindOf<CmcsBase>({ kind: oneOf('cmcs'), ...cmcsRules });
const local = kindOf<LocalBaseConfig>({ kind: oneOf('local'), ...localRules });

export const baseRule = objectBy<'kind', BaseConfig>('kind', {
  co2net: co2net.base,
  'four-head': fourHead.base,
  cmcs: cmcs.base,
  local: local.base,
});

export const baseRecipeRule = objectBy<'kind', BaseRecipe>('kind', {
  co2net: co2net.recipe,
  'four-head': fourHead.recipe,
  cmcs: cmcs.recipe,
  local: local.recipe,
});

/** The base of a configuration, without weights. @throws OptionError */
export function makeBase(runtime: Runtime, config: BaseConfig): WtalBase {
  checkArguments('makeBase', { runtime, config }, { runtime: anyRuntime, config: baseRule });
  switch (config.kind) {
    case 'co2net': {
      const { kind: _, ...sizes } = config;
      return new Co2Net(runtime, sizes);
    }
    case 'four-head': {
      const { kind: _, ...sizes } = config;
      return new FourHead(runtime, sizes);
    }
    case 'cmcs': {
      const { kind: _, ...sizes } = config;
      return new Cmcs(runtime, sizes);
    }
    case 'local': {
      const { kind: _, ...sizes } = config;
      return new LocalBase(runtime, sizes);
    }
  }
}
