import { PickleFault } from './fault.js';

/** More bytes of an integer than any use of one has; longer ones take long to convert. */
const LONGEST_INTEGER = 4096;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new PickleFault('holds text that is not UTF-8');
  }
}

/** One character for each byte: what Python calls latin1. */
export function latin1(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 4096) {
    parts.push(String.fromCharCode(...bytes.subarray(i, i + 4096)));
  }
  return parts.join('');
}

/** The bytes of text whose characters are all below 256. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw new PickleFault('holds bytes as text with other characters than bytes have');
    bytes[i] = code;
  }
  return bytes;
}

/** A number where it is exact as one. */
function integer(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** An integer in decimal digits, with the L that Python 2 wrote after long ones. */
export function decimalInteger(line: Uint8Array): number | bigint {
  const text = latin1(line.subarray(0, LONGEST_INTEGER + 1));
  if (!/^\s*[+-]?\d+L?\s*$/.test(text) || line.length > LONGEST_INTEGER) {
    throw new PickleFault(`holds no integer where one is written: ${JSON.stringify(text.slice(0, 40))}`);
  }
  return integer(BigInt(text.replace('L', '').trim().replace(/^\+/, '')));
}

/** A little-endian integer in two's complement; none for no bytes. */
export function binaryInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length > LONGEST_INTEGER) throw new PickleFault(`holds an integer of ${bytes.length} bytes`);
  if (bytes.length === 0) return 0;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .reverse()
    .join('');
  return integer(BigInt.asIntN(8 * bytes.length, BigInt(`0x${digits}`)));
}

/** A number as Python's repr writes it. */
export function decimalFloat(line: Uint8Array): number {
  const text = latin1(line.subarray(0, 400)).trim();
  const special = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN, '-nan': Number.NaN }[text];
  if (special !== undefined) return special;
  if (line.length > 400 || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new PickleFault(`holds no number where one is written: ${JSON.stringify(text.slice(0, 40))}`);
  }
  return Number(text);
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A string of Python 2 as its repr writes it, in quotes. */
export function quoted(line: Uint8Array): string {
  const text = latin1(line).trim();
  const quote = text[0];
  if (text.length < 2 || text.at(-1) !== quote || (quote !== "'" && quote !== '"')) {
    throw new PickleFault('holds a string without its quotes');
  }
  return text
    .slice(1, -1)
    .replace(
      /\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]))/g,
      (whole, hexadecimal?: string, octal?: string, letter?: string) => {
        if (hexadecimal !== undefined) return String.fromCharCode(Number.parseInt(hexadecimal, 16));
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255);
        return escapes[letter!] ?? whole;
      },
    );
}

/** Text in Python's raw-unicode-escape: bytes are characters, others are written as \uXXXX or \UXXXXXXXX. */
export function rawUnicode(line: Uint8Array): string {
  return latin1(line).replace(
    /\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g,
    (_, short?: string, long?: string) => {
      const code = Number.parseInt(short ?? long!, 16);
      if (code > 0x10ffff) throw new PickleFault('holds a character beyond those of Unicode');
      return short === undefined ? String.fromCodePoint(code) : String.fromCharCode(code);
    },
  );
}
