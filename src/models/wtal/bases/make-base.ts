import {
  checkArguments,
  object,
  objectWith,
  oneOf,
  onlyFields,
  type Rule,
  type Rules,
  rule,
} from '../../../arguments.js';
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

type Kind = BaseConfig['kind'];

const rules: { readonly [K in Kind]: Rules<Extract<BaseConfig, { readonly kind: K }>> } = {
  co2net: { kind: oneOf('co2net'), ...co2NetRules },
  'four-head': { kind: oneOf('four-head'), ...fourHeadRules },
  cmcs: { kind: oneOf('cmcs'), ...cmcsRules },
  local: { kind: oneOf('local'), ...localRules },
};

const anyKind = oneOf('co2net', 'four-head', 'cmcs', 'local');

/** The fields depend on the kind; others are refused. */
export const baseRule: Rule<BaseConfig> = {
  ...rule<BaseConfig>('an object with kind and the fields of that kind', (value) =>
    ofKind(value).accepts(value),
  ),
  fault: (name, value) => ofKind(value).fault?.(name, value),
};

function ofKind(value: unknown): Rule<BaseConfig> {
  const kind = object.accepts(value) ? value.kind : undefined;
  if (!anyKind.accepts(kind)) {
    return objectWith<Pick<BaseConfig, 'kind'>>({ kind: anyKind }) as Rule<BaseConfig>;
  }
  return onlyFields<BaseConfig>(rules[kind] as Rules<BaseConfig>);
}

/** The fields depend on the kind; others, and channels and classes, are refused. */
export const baseRecipeRule: Rule<BaseRecipe> = {
  ...rule<BaseRecipe>('an object with kind and the fields of that kind', (value) =>
    recipeOfKind(value).accepts(value),
  ),
  fault: (name, value) => recipeOfKind(value).fault?.(name, value),
};

function recipeOfKind(value: unknown): Rule<BaseRecipe> {
  const kind = object.accepts(value) ? value.kind : undefined;
  if (!anyKind.accepts(kind)) {
    return objectWith<Pick<BaseRecipe, 'kind'>>({ kind: anyKind }) as Rule<BaseRecipe>;
  }
  const { channels: _, classes: __, ...own } = rules[kind];
  return onlyFields<BaseRecipe>(own as Rules<BaseRecipe>);
}

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
