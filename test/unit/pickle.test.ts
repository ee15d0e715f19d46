import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bytesSource } from '../../src/data/files/byte-source.js';
import { numpyGlobals } from '../../src/data/formats/numpy-pickle.js';
import { unpickle } from '../../src/data/formats/pickle/pickle.js';
import type { PythonValue } from '../../src/data/formats/python-value.js';
import { FileFormatError } from '../../src/errors.js';
import { committedFiles, plain } from '../support/python-files.js';

const encoder = new TextEncoder();

/** A pickle of characters, each a byte, and bytes. */
function pickle(...parts: readonly (string | readonly number[] | Uint8Array)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
    ),
  );
}

const read = async (bytes: Uint8Array) => (await unpickle(bytesSource(bytes, 'x.pkl'))).value;

const refuses = (bytes: Uint8Array, message: RegExp) =>
  assert.rejects(
    () => unpickle(bytesSource(bytes, 'x.pkl'), { globals: numpyGlobals }),
    (error) =>
      error instanceof FileFormatError && error.message.startsWith('x.pkl') && message.test(error.message),
  );

const u32 = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
const u64 = (value: bigint) => [...new Uint8Array(BigUint64Array.of(value).buffer)];

describe('unpickle', () => {
  for (const protocol of [0, 1, 2, 3, 4, 5]) {
    it(`reads what Python writes with protocol ${protocol}`, async () => {
      const { expected, bytes } = committedFiles;
      const source = bytesSource(bytes(`plain-${protocol}.pkl`), 'plain');
      const { value, end } = await unpickle(source);
      assert.equal(end, source.size);
      assert.deepEqual(plain(value as PythonValue), expected.plain);
      const map = value as Map<string, unknown[]>;
      assert.equal(map.get('shared')![0], map.get('shared')![1]);
      assert.ok(Object.isFrozen(map.get('flags')) && !Object.isFrozen(map.get('text')));

      const arrays = await unpickle(bytesSource(bytes(`array-${protocol}.pkl`), 'array'), {
        globals: numpyGlobals,
      });
      const { x, y } = plain(arrays.value as PythonValue) as Record<string, unknown>;
      assert.deepEqual(x, expected.array);
      assert.deepEqual(y, { shape: [4], values: expected.words });
    });
  }

  it('never runs what a pickle asks for, and names it', async () => {
    for (const protocol of [0, 2, 4]) {
      const bytes = committedFiles.bytes(`runs-${protocol}.pkl`);
      await refuses(bytes, /refers to posix\.system, which is none of the plain data/);
    }
    assert.ok(!existsSync('/tmp/tal-was-run'));
    await refuses(pickle('cos\nsystem\n(S"ls"\ntR.'), /refers to os\.system/);
    await refuses(pickle('(S"ls"\nios\nsystem\n.'), /refers to os\.system/);
    await refuses(pickle('(cbuiltins\neval\nS"1"\no.'), /refers to builtins\.eval/);
    await refuses(pickle('c__main__\n\u00f0\n.'), /not UTF-8/);
    await refuses(pickle(`c${'a'.repeat(300)}\nb\n.`), /refers to a{100}…,/);
    await refuses(pickle('\x80\x02cbuiltins\nset\n.'), /holds builtins\.set itself/);
    await refuses(pickle('\x82\x01.'), /extension registry/);
    await refuses(pickle('Pid\n.'), /outside of it/);
    await refuses(pickle('NQ.'), /outside of it/);
    await refuses(pickle('\x97.'), /out-of-band/);
    await refuses(pickle('\x80\x06N.'), /protocol 6; 0 to 5/);
  });

  it('reads numbers and text that are at the ends of their forms', async () => {
    assert.equal(
      await read(pickle('\x8a', [8, 255, 255, 255, 255, 255, 255, 255, 127], '.')),
      2n ** 63n - 1n,
    );
    assert.equal(await read(pickle('\x8a', [1, 128], '.')), -128);
    assert.equal(await read(pickle('\x8a', [0], '.')), 0);
    assert.equal(await read(pickle('L-12345678901234567890L\n.')), -12345678901234567890n);
    assert.equal(await read(pickle('I01\n.')), true);
    assert.equal(await read(pickle('I1\n.')), 1);
    assert.equal(await read(pickle('F-inf\n.')), -Infinity);
    assert.equal(await read(pickle("S'a\\x41\\101\\n\\'\\\\'\n.")), "aAA\n'\\");
    assert.equal(await read(pickle('U', [2, 0x80, 0xff], '.')), '\u0080\u00ff');
    assert.equal(await read(pickle('V\\u8df3\\U0001f600\xfc\n.')), '跳😀ü');
    assert.deepEqual(await read(pickle('X', u32(3), encoder.encode('\ufeff'), '.')), '\ufeff');
  });

  it('reads values that are longer than what is in memory at a time, and values across its end', async () => {
    const text = 'x'.repeat(300_000);
    const long = Uint8Array.from({ length: 2_000_000 }, (_, i) => i % 251);
    const numbers = Array.from({ length: 200_000 }, (_, i) => i % 256);
    const bytes = pickle(
      ...['(V', text, '\nB', u32(long.length), long, 'X', u32(text.length), text, ']('],
      numbers.flatMap((number) => [0x4b, number]),
      'et.',
    );
    assert.deepEqual(await read(bytes), [text, long, text, numbers]);
    const { value, end } = await unpickle(bytesSource(pickle('N.', bytes, 'N.'), 'x.pkl'), {}, 2);
    assert.deepEqual([(value as unknown[]).length, end], [4, bytes.length + 2]);
  });

  it('refuses a file that is cut anywhere, and says where', async () => {
    for (const protocol of [0, 2, 5]) {
      const bytes = committedFiles.bytes(`plain-${protocol}.pkl`);
      for (let length = 0; length < bytes.length; length++) {
        await refuses(
          bytes.subarray(0, length),
          new RegExp(`^x\\.pkl ends at byte ${length}, within the value`),
        );
      }
    }
  });

  it('reads nothing that a file only claims to hold', async () => {
    await refuses(pickle('B', u32(2 ** 32 - 1)), /ends at byte 5/);
    await refuses(pickle('\x8e', u64(2n ** 64n - 1n), '.'), /ends at byte 10/);
    await refuses(pickle('\x96', u64(2n ** 40n), '.'), /ends at byte 10/);
    await refuses(pickle('\x8d', u64(2n ** 31n), '.'), /ends at byte 10/);
    await refuses(pickle('T', u32(2 ** 31), '.'), /ends at byte 6/);
    await refuses(pickle('\x8b', u32(2 ** 30), '.'), /ends at byte 6/);
    await refuses(pickle('L', '9'.repeat(100_000), '\n.'), /holds no integer/);
    await refuses(pickle('\x8b', u32(5000), new Uint8Array(5000), '.'), /integer of 5000 bytes/);
    const array =
      'cnumpy.core.multiarray\n_reconstruct\n(tR(I1\n(I99999999\nI99999999\ntcnumpy\ndtype\n(S"U0"\n';
    await refuses(pickle(array, "tR(I3\nS'<'\nNNNI0\nI0\nI0\ntbI00\nC", [0], 'tb.'), /which takes/);
  });

  it('refuses bombs: depth, circles, repetition, values in a byte each', async () => {
    await refuses(pickle(']', '\x85'.repeat(600), '.'), /more than 500 deep/);
    assert.ok(await read(pickle(']', '\x85'.repeat(400), '.')));
    await refuses(pickle(']q\x00h\x00a.'), /holds itself/);
    await refuses(pickle(']q\x00(h\x00ta.'), /holds itself/);
    const doubling = Array.from({ length: 40 }, (_, i) => pickle('(h', [i], 'h', [i], 'tq', [i + 1]));
    await refuses(pickle('Nq\x00', ...doubling, '.'), /repeats its \d+ values/);
    await refuses(pickle('(', '}'.repeat(4_000_000), 't.'), /1 GiB/);
    const many = pickle('cbuiltins\nset\nq\x01((', 'N'.repeat(60_000), 'ttq\x000');
    await refuses(pickle(many, 'h\x01h\x00R0'.repeat(20_000), 'N.'), /more of its values/);
  });

  it('refuses opcodes that do not fit what is there', async () => {
    const cases: [string, RegExp][] = [
      ['.', /takes a value where there is none/],
      ['(.', /takes a value where there is none/],
      ['t.', /mark where there is none/],
      ['NNa.', /no list/],
      [')Na.', /no list/],
      ['N(Nu.', /no dictionary/],
      ['}(Nu.', /key without a value/],
      ['}]Ns.', /as a key/],
      ['}}Ns.', /as a key/],
      ['N(N\x90.', /no set/],
      ['\x8f(]\x90.', /item of a set/],
      ['(]\x91.', /item of a set/],
      ['g5\n.', /recalls value 5/],
      ['h\x05.', /recalls value 5/],
      ['Np-1\n.', /number -1/],
      ['NNR.', /no function/],
      ['cbuiltins\nset\nNR.', /tuple of arguments/],
      ['cbuiltins\nset\n(NtR.', /something else than a list/],
      ['NNb.', /takes none/],
      ["S'a\n.", /quotes/],
      ['Ix\n.', /no integer/],
      ['F1_0\n.', /no number/],
      ['cbuiltins\nset\n)}(NNu\x92.', /named arguments/],
      ['\x07.', /holds 7 where an opcode/],
      ['NN\x93.', /no text/],
      ['cnumpy.core.multiarray\n_reconstruct\n)R.', /no state/],
      ['cnumpy\ndtype\n(S"V8"\ntR(I3\nS"<"\nN(tNI0\nI0\nI0\ntb.', /structured/],
    ];
    for (const [text, message] of cases) await refuses(pickle(text), message);
  });
});
