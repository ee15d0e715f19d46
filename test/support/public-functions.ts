import { fileURLToPath } from 'node:url';
import type { Node } from 'typescript/unstable/ast';
import {
  API,
  type Checker,
  ElementFlags,
  ModifierFlags,
  type Project,
  type Signature,
  SignatureKind,
  SymbolFlags,
  type Type,
  TypeFlags,
  type TypeReference,
  type Symbol as TypeSymbol,
  type UnionType,
} from 'typescript/unstable/sync';

/** What a parameter or a field takes, read from its type. */
export type Kind =
  | { readonly kind: 'anything' | 'unknown' | 'boolean' | 'bigint' | 'number' | 'string' | 'function' }
  | { readonly kind: 'choice'; readonly choices: readonly (string | number | boolean | null)[] }
  | { readonly kind: 'list' | 'map' | 'dictionary'; readonly item: () => Kind; readonly filled?: boolean }
  | { readonly kind: 'tuple'; readonly items: () => readonly Pick<Field, 'kind' | 'optional'>[] }
  /** A typed array, an `ArrayLike` or an `Iterable` of numbers. */
  | { readonly kind: 'numbers'; readonly type: string }
  /** An object that only its class, or a function of the package, makes. */
  | { readonly kind: 'instance'; readonly type: string }
  | { readonly kind: 'record'; readonly type: string; readonly fields: () => readonly Field[] }
  | { readonly kind: 'union'; readonly members: () => readonly Kind[] };

export interface Field {
  readonly name: string;
  readonly optional: boolean;
  readonly kind: Kind;
}

export interface PublicFunction {
  /** As one calls it: `softmax`, `new Linear`, `Tensor.reshape`, `MaskedSampler.create`. */
  readonly name: string;
  /** Its source file, from `src/` on. */
  readonly file: string;
  readonly exported: string;
  readonly call: 'function' | 'constructor' | 'method' | 'static';
  readonly method: string | undefined;
  readonly parameters: readonly Field[];
}

// This file runs as dist/test/support/public-functions.js.
const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Every function, constructor and method that an entry point exports, with the types of its parameters, as the compiler
 * sees them. What is private, protected or marked `@internal` is left out. Kinds ask the compiler when they are looked at:
 * `close` ends it.
 */
export function publicFunctions(): { readonly functions: readonly PublicFunction[]; close(): void } {
  const api = new API({ cwd: root });
  const [project] = api.updateSnapshot({ openProject: `${root}tsconfig.json` }).getProjects();
  const reader = new Reader(project!);
  return { functions: reader.functions(), close: () => api.close() };
}

class Reader {
  readonly #checker: Checker;
  readonly #kinds = new Map<number, Kind>();

  constructor(readonly project: Project) {
    this.#checker = project.checker;
  }

  functions(): PublicFunction[] {
    const module = this.#checker.getSymbolAtLocation(
      this.project.program.getSourceFile(`${root}test/support/public-api.ts`)!,
    )!;
    const exported = this.#checker.getExportsOfModule(module).map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol,
    }));
    const classes = new Set(exported.map(({ symbol }) => symbol.id));
    return exported
      .filter(({ symbol }) => symbol.flags & SymbolFlags.Value)
      .flatMap(({ name, symbol }) => this.#of(name, symbol, classes));
  }

  #of(exported: string, symbol: TypeSymbol, classes: ReadonlySet<number>): PublicFunction[] {
    const checker = this.#checker;
    const type = checker.getTypeOfSymbol(symbol)!;
    const found: PublicFunction[] = [];
    const add = (call: PublicFunction['call'], signature: Signature, from: TypeSymbol, method?: string) => {
      const owner = call === 'constructor' ? `new ${exported}` : exported;
      found.push({
        name: method === undefined ? owner : `${owner}.${method}`,
        ...{ file: this.#file(from), exported, call, method },
        parameters: this.#parameters(signature),
      });
    };
    for (const signature of checker.getSignaturesOfType(type, SignatureKind.Call))
      add('function', signature, symbol);
    for (const signature of checker.getSignaturesOfType(type, SignatureKind.Construct)) {
      const declaration = signature.declaration?.resolve(this.project);
      if (!signature.isAbstract && (!declaration || !this.#hidden(declaration)))
        add('constructor', signature, symbol);
      const instance = checker.getReturnTypeOfSignature(signature)!;
      for (const [call, of] of [
        ['method', instance],
        ['static', type],
      ] as const) {
        for (const member of checker.getPropertiesOfType(of)) {
          // What a class inherits from another public one is tested there.
          const parent = member.getParent();
          if (!parent || (parent.id !== symbol.id && classes.has(parent.id))) continue;
          const node = member.valueDeclaration?.resolve(this.project);
          if (!node || this.#hidden(node) || !this.#file(member).startsWith('src/')) continue;
          // A property may hold a function: that of whoever gave it.
          if (/^(__|#)/.test(member.name) || !(member.flags & SymbolFlags.Method)) continue;
          const signatures = checker.getSignaturesOfType(
            checker.getTypeOfSymbol(member)!,
            SignatureKind.Call,
          );
          for (const signature of signatures) add(call, signature, member, member.name);
        }
      }
      break;
    }
    return found;
  }

  #file(symbol: TypeSymbol): string {
    const path = symbol.declarations[0]?.path ?? '';
    return path.slice(root.length);
  }

  /** Whether a declaration is private, protected or internal. */
  #hidden(node: Node): boolean {
    const { modifierFlags = 0 } = node as Node & { readonly modifierFlags?: number };
    if (modifierFlags & (ModifierFlags.Private | ModifierFlags.Protected)) return true;
    const source = node.getSourceFile().text;
    return /^\s*\/\*\*(?:(?!\*\/)[\s\S])*@internal/.test(source.slice(node.pos, node.end));
  }

  #parameters(signature: Signature): Field[] {
    return signature.getParameters().map((parameter, i) => {
      const type = this.#checker.getParameterType(signature, i)!;
      return { name: parameter.name, ...this.#split(type) };
    });
  }

  /** A type without undefined, and whether that was in it. */
  #split(type: Type): Pick<Field, 'optional' | 'kind'> {
    const kind = this.#kind(type);
    if (!type.isUnionType()) return { optional: false, kind };
    return { optional: (type as UnionType).getTypes()!.some(isUndefined), kind };
  }

  #kind(type: Type): Kind {
    const known = this.#kinds.get(type.id);
    if (known) return known;
    const kind = this.#read(type);
    this.#kinds.set(type.id, kind);
    return kind;
  }

  #read(type: Type): Kind {
    const checker = this.#checker;
    const { flags } = type;
    if (flags & TypeFlags.Any) return { kind: 'anything' };
    if (flags & TypeFlags.Unknown) return { kind: 'unknown' };
    if (flags & TypeFlags.TypeParameter) {
      const bound = checker.getBaseConstraintOfType(type);
      return bound && !(bound.flags & TypeFlags.Unknown) ? this.#kind(bound) : { kind: 'anything' };
    }
    if (flags & TypeFlags.Boolean) return { kind: 'boolean' };
    if (type.isUnionType()) return this.#union(type);
    if (flags & TypeFlags.Null) return { kind: 'choice', choices: [null] };
    if (type.isLiteralType()) return { kind: 'choice', choices: [(type as { value: string }).value] };
    if (flags & TypeFlags.Number) return { kind: 'number' };
    if (flags & (TypeFlags.String | TypeFlags.TemplateLiteral)) return { kind: 'string' };
    if (flags & TypeFlags.BigInt) return { kind: 'bigint' };
    if (checker.getSignaturesOfType(type, SignatureKind.Call).length > 0) return { kind: 'function' };
    const argument = (i: number) => () => this.#kind(checker.getTypeArguments(type as TypeReference)[i]!);
    if (type.isTupleType() || checker.isTupleType(type)) {
      const items = () => checker.getTypeArguments(type as TypeReference);
      const target = (type as TypeReference).getTarget() as { elementFlags?: readonly number[] };
      const variable = (target.elementFlags ?? []).some((flag) => flag & 12);
      if (variable) return { kind: 'list', item: argument(0), filled: true };
      const flags = target.elementFlags ?? [];
      return {
        kind: 'tuple',
        items: () =>
          items().map((item, i) => ({
            kind: this.#kind(item),
            optional: flags[i] === ElementFlags.Optional,
          })),
      };
    }
    if (checker.isArrayType(type)) return { kind: 'list', item: argument(0) };
    const name = type.getSymbol()?.name ?? '';
    if (name === 'ReadonlyMap' || name === 'Map') return { kind: 'map', item: argument(1) };
    if (/^(Big)?(Ui|I)nt\d+(Clamped)?Array$|^Float\d+Array$|^ArrayLike$|^Iterable$/.test(name)) {
      return { kind: 'numbers', type: name };
    }
    const [index] = checker.getIndexInfosOfType(type);
    if (index) return { kind: 'dictionary', item: () => this.#kind(index.valueType) };
    const properties = checker.getPropertiesOfType(type);
    const alias = type.getAliasSymbol()?.name;
    const mapped = MAPPED.has(alias ?? '') ? type.getAliasTypeArguments()[0] : undefined;
    const named = mapped?.getAliasSymbol()?.name ?? mapped?.getSymbol()?.name;
    const shown = named ?? alias ?? (name.startsWith('__') ? '' : name);
    const symbol = type.getSymbol();
    const isClass = symbol !== undefined && (symbol.flags & SymbolFlags.Class) !== 0;
    const foreign = symbol !== undefined && !name.startsWith('__') && !this.#file(symbol).startsWith('src/');
    const behaves = properties.some(
      (property) =>
        !(property.flags & SymbolFlags.Optional) &&
        checker.getSignaturesOfType(checker.getTypeOfSymbol(property)!, SignatureKind.Call).length > 0,
    );
    if (isClass || (behaves && !shown.endsWith('Options')) || (foreign && !alias && !MAPPED.has(name)))
      return { kind: 'instance', type: shown };
    return {
      kind: 'record',
      type: shown,
      fields: () =>
        properties.map((property) => ({
          name: property.name,
          kind: this.#kind(checker.getTypeOfSymbol(property)!),
          optional:
            (property.flags & SymbolFlags.Optional) !== 0 ||
            this.#split(checker.getTypeOfSymbol(property)!).optional,
        })),
    };
  }

  #union(type: UnionType): Kind {
    const members = type.getTypes()!.filter((member) => !isUndefined(member));
    const kinds = members.map((member) => this.#kind(member));
    const choices = kinds.flatMap((kind) => (kind.kind === 'choice' ? kind.choices : []));
    const others = kinds.filter(({ kind }) => kind !== 'choice');
    const booleans = choices.filter((choice) => typeof choice === 'boolean').length === 2;
    const rest = booleans ? choices.filter((choice) => typeof choice !== 'boolean') : choices;
    const all: Kind[] = [
      ...(booleans ? [{ kind: 'boolean' } as const] : []),
      ...(rest.length > 0 ? [{ kind: 'choice', choices: rest } as const] : []),
      ...others,
    ];
    return all.length === 1 ? all[0]! : { kind: 'union', members: () => all };
  }
}

/** Types of the language that make others out of ours. */
const MAPPED = new Set(['Pick', 'Omit', 'Readonly', 'Required', 'Partial', 'Record']);

const isUndefined = (type: Type): boolean => (type.flags & (TypeFlags.Undefined | TypeFlags.Void)) !== 0;
