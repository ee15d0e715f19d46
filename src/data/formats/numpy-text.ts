/** An element type of NumPy that is text: `S17` is 17 bytes, `U24` is 24 characters of 4 bytes. */
export interface TextType {
  readonly kind: 'S' | 'U';
  readonly bytes: number;
  readonly bigEndian: boolean;
}

/** The text that a dtype such as `|S17` or `<U24` says; undefined for another. */
export function textType(descr: string): TextType | undefined {
  const [, order, kind, length] = /^([<>|=]?)([SU])(\d{1,9})$/.exec(descr) ?? [];
  if (kind !== 'S' && kind !== 'U') return undefined;
  return { kind, bytes: Number(length) * (kind === 'U' ? 4 : 1), bigEndian: order === '>' };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The elements of a text array. NumPy fills them up with zeros, and takes those off again.
 * @throws RangeError where an element is no text: bytes that are not UTF-8, or no character
 */
export function textElements(
  stored: Uint8Array,
  { kind, bytes, bigEndian }: TextType,
  count: number,
): string[] {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  return Array.from({ length: count }, (_, i) => {
    if (kind === 'U') return characters(view, i * bytes, bytes / 4, !bigEndian);
    const element = stored.subarray(i * bytes, (i + 1) * bytes);
    const length = element.findLastIndex((byte) => byte !== 0) + 1;
    try {
      return utf8.decode(element.subarray(0, length));
    } catch {
      throw new RangeError(`element ${i} is not UTF-8`);
    }
  });
}

function characters(view: DataView, offset: number, most: number, littleEndian: boolean): string {
  let length = most;
  while (length > 0 && view.getUint32(offset + 4 * length - 4, littleEndian) === 0) length--;
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCodePoint(view.getUint32(offset + 4 * i, littleEndian));
  return text;
}
