import { FileFormatError } from '../../errors.js';
import { readText } from './json-record.js';

/** An element of an XML file, whose attributes are checked as they are taken out; every error says where it stands. */
export class XmlElement {
  readonly children: XmlElement[] = [];
  /** The text in it and not in its children. */
  text = '';

  constructor(
    readonly name: string,
    private readonly attributes: Readonly<Record<string, string>>,
    /** File and line. */
    readonly where: string,
  ) {}

  error(what: string): FileFormatError {
    return new FileFormatError(`${this.where}: ${what}`);
  }

  /** An attribute; undefined where there is none. */
  optional(name: string): string | undefined {
    return Object.hasOwn(this.attributes, name) ? this.attributes[name] : undefined;
  }

  /** An attribute that is not blank. */
  attribute(name: string): string {
    const value = this.optional(name);
    if (value === undefined || value.trim() === '') throw this.error(`${this.name} has no ${name}`);
    return value;
  }

  /** An attribute that is an integer of at least 0. */
  integer(name: string): number {
    const text = this.attribute(name);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value))
      throw this.error(`${name} of ${this.name} is ${JSON.stringify(text)}, not an integer`);
    return value;
  }

  /** Its children of a name. */
  all(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  /** Its only child of a name. */
  only(name: string): XmlElement {
    const [child, ...more] = this.all(name);
    if (!child || more.length > 0)
      throw this.error(`${this.name} has ${more.length + (child ? 1 : 0)} ${name}, not one`);
    return child;
  }
}

/** Elements may be in each other this often: those of annotations are a few levels deep. */
const DEEPEST = 100;

/**
 * Reads an XML file in UTF-8. A document type is passed over, so that there are no entities but the five of XML itself,
 * and nothing outside the file is ever read.
 * @returns its root
 * @throws FileAccessError where it cannot be read, FileFormatError with the line where it is not well-formed
 */
export async function readXml(path: string): Promise<XmlElement> {
  // Imported when it is used: a page without a bundler needs it for no other file.
  const { SaxesParser } = await import('saxes');
  const text = (await readText(path)).replace(/^\uFEFF/, '');
  const parser = new SaxesParser({ xmlns: false });
  let root: XmlElement | undefined;
  const open: XmlElement[] = [];
  parser.on('error', (error) => {
    const [, what] = /^(?:\d+:\d+: )?(.*)$/s.exec(error.message) ?? [];
    throw new FileFormatError(`${path}, line ${parser.line}: ${what}`, { cause: error });
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element = new XmlElement(
      name,
      attributes as Record<string, string>,
      `${path}, line ${parser.line}`,
    );
    if (open.length >= DEEPEST) throw element.error(`more than ${DEEPEST} elements in each other`);
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  const addText = (part: string) => {
    const element = open.at(-1);
    if (element) element.text += part;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.write(text).close();
  if (!root) throw new FileFormatError(`${path} holds no element`);
  return root;
}

/** An element to write: attributes in order, and children or text. */
export interface XmlContent {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly content?: readonly XmlContent[] | string;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** As it may stand in text and in attributes, where line breaks and tabs would become spaces. */
const escaped = (text: string): string =>
  text.replace(/[&<>"]|[\t\n\r]/g, (mark) => escapes[mark] ?? `&#${mark.charCodeAt(0)};`);

/** Whether XML has a way to write a text: it has none for most control characters and for halves of characters. */
export const isXmlText = (text: string): boolean =>
  [...text].every((character) => {
    const code = character.codePointAt(0)!;
    const isHalf = code >= 0xd800 && code <= 0xdfff;
    return (code >= 0x20 && !isHalf && code !== 0xfffe && code !== 0xffff) || /[\t\n\r]/.test(character);
  });

/** An XML document; texts are `isXmlText`. */
export function formatXml(root: XmlContent): string {
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>'];
  const add = ({ name, attributes = {}, content }: XmlContent, indent: string): void => {
    const start = `${indent}<${[name, ...Object.entries(attributes).map(([key, value]) => `${key}="${escaped(String(value))}"`)].join(' ')}`;
    if (content === undefined || content.length === 0) {
      lines.push(`${start}/>`);
    } else if (typeof content === 'string') {
      lines.push(`${start}>${escaped(content)}</${name}>`);
    } else {
      lines.push(`${start}>`);
      for (const child of content) add(child, `${indent}    `);
      lines.push(`${indent}</${name}>`);
    }
  };
  add(root, '');
  return `${lines.join('\n')}\n`;
}
