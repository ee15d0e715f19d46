import { FileFormatError } from '../../../errors.js';
import type { ByteSource } from '../../files/byte-source.js';

/** Bytes that are read from the file at a time. */
const WINDOW = 2 ** 18;

/** Thrown where an opcode needs bytes that are not in memory. */
export class MoreBytes {
  constructor(
    /** Where they begin in the file. */
    readonly offset: number,
    readonly length: number,
    /** Whether they are a value of their own, and no part of the window. */
    readonly apart = false,
  ) {}
}

/**
 * The bytes of a pickle, of which a window is in memory. An opcode reads all its bytes before it has an effect, so that it
 * can be repeated when more of the file is there.
 */
export class PickleInput {
  #window: Uint8Array = new Uint8Array(0);
  /** Where the window lies in the file. */
  #start: number;
  /** Bytes that are a value of their own, and where they begin in the file. */
  #apart: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
  /** The next byte, and the opcode that is being read, from the start of the window. */
  #next = 0;
  #opcode = 0;

  constructor(
    private readonly source: ByteSource,
    start: number,
  ) {
    this.#start = start;
  }

  /** Bytes of the whole file. */
  get size(): number {
    return this.source.size;
  }

  /** Where the next byte lies in the file. */
  get offset(): number {
    return this.#start + this.#next;
  }

  /** Where the opcode that is being read lies in the file. */
  get opcodeOffset(): number {
    return this.#start + this.#opcode;
  }

  /** The next opcode; what was read before it is done. */
  opcode(): number {
    this.#opcode = this.#next;
    return this.byte();
  }

  byte(): number {
    return this.#take(1)[0]!;
  }

  /** An unsigned little-endian integer. */
  unsigned(bytes: 1 | 2 | 4 | 8): number {
    const taken = this.#take(bytes);
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + taken[i]!;
    return value;
  }

  /** The next bytes, valid until more are read. */
  view(length: number): Uint8Array {
    return this.#take(length);
  }

  /** The next bytes, in memory that is theirs. */
  bytes(length: number): Uint8Array {
    if (length < WINDOW / 2) return this.#take(length).slice();
    const apart = this.#apart;
    if (apart?.offset !== this.offset || apart.bytes.length !== length) {
      this.#checkEnd(this.offset + length);
      throw new MoreBytes(this.offset, length, true);
    }
    this.#apart = undefined;
    this.#next += length;
    return apart.bytes;
  }

  /** The bytes up to the next line feed, which is left out. */
  line(): Uint8Array {
    const end = this.#window.indexOf(0x0a, this.#next);
    if (end < 0) {
      this.#checkEnd(Math.max(this.offset, this.#start + this.#window.length) + 1);
      // How long it is, is not known: twice as much each time.
      this.#lack(Math.max(WINDOW, 2 * (this.#window.length - this.#opcode)));
    }
    const line = this.#window.subarray(this.#next, end);
    this.#next = end + 1;
    return line;
  }

  /** Reads what was wanted, as far as the file goes; what was being read is read again then. */
  async load({ offset, length, apart }: MoreBytes): Promise<void> {
    const wanted = apart ? length : Math.min(Math.max(length, WINDOW), this.source.size - offset);
    const bytes = await this.source.read(offset, wanted);
    if (apart) {
      this.#apart = { offset, bytes };
      this.#next = this.#opcode;
    } else {
      this.#start = offset;
      this.#window = bytes;
      this.#next = 0;
      this.#opcode = 0;
    }
  }

  #take(length: number): Uint8Array {
    const end = this.#next + length;
    if (end > this.#window.length) {
      this.#checkEnd(this.offset + length);
      this.#lack(end - this.#opcode);
    }
    const taken = this.#window.subarray(this.#next, end);
    this.#next = end;
    return taken;
  }

  /** @param length from the opcode on */
  #lack(length: number): never {
    throw new MoreBytes(this.opcodeOffset, length);
  }

  #checkEnd(end: number): void {
    const { size, name } = this.source;
    if (end <= size) return;
    throw new FileFormatError(
      `${name} ends at byte ${size}, within the value that begins at byte ${this.opcodeOffset}: it is cut or damaged, ` +
        'copy it again',
    );
  }
}
