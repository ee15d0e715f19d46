import fc from 'fast-check';

/** `bytes` with one byte changed, or cut short: what a file may look like after a bad copy. */
export const damaged = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = bytes.slice();
      copy[at] = byte;
      return copy;
    }),
    fc.nat(bytes.length).map((length) => bytes.slice(0, length)),
  );
