import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { unzlibSync } from 'fflate';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { loadFeatures } from '../../src/data/formats/features.js';
import { openHdf5 } from '../../src/data/formats/hdf5.js';
import { FileAccessError, FileFormatError, TalError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { hdf5Bytes } from '../support/hdf5.js';

const folder = await mkdtemp(join(tmpdir(), 'hdf5-'));
after(() => rm(folder, { recursive: true }));

/**
 * What h5py 3.16 writes of a = arange(6, 'f4').reshape(3, 2) / 4: as f2, be (>f4), beh (>f2), f8, ints (i2), gz (shuffle, gzip,
 * fletcher32), lzf (zeros), v_1/c3d_features; str; external (raw data in /etc/hostname), vds (a virtual dataset over other.h5); links:
 * ext to /tmp/other.h5, soft to v_1/c3d_features, nowhere; a scalar.
 */
const written =
  'eNrtXF9oW1UY/869N8mlf9a0dS506DKpUl1d2q6FbuqSZUkacWx1Ka4vs0nTm6aaJjVJu9ixGQRxe5gMROiDuEIV9iJ0wweZyMZA7UMfRBEf7YsoOFCoMAShnnvPOcm9N2uyupC13fmF8N3zne/8ueff/c73nXsvBn2Bxrq2OlAhyyCBHfRYo7j9sjHM4sOUIkovUHpVYHxJi3NQvp3mv0Tjg5Q/dNLvBxAK+ZvL6ZIIdbJyXcbyObY3gv4jgypdpOE4pYv7CRUKI+zqUUIP+fTp60AujFE2Eu8HCCwkHWLhDkIFwhCBlQ/rhB1a0mZnE+XZoc4CdU003kLrJQgkQ5neh4jwpYYGU41yD7UfQsdP+NQ2Ya2Xs5SXZ71ywVpebpD1Xld5Odoo4BTLyzk31s01R9XG1d49INE73iXDrncqjqsG2dgzm2NcVa89NjrP2jflPEPar9hLzXQg33qWhFf2GddFh+k5vGIz5udSslFXPJXJJiOTijGqF/rhELwIL6mBw3kAN6ZuD/6r1/MlIjp876alUfo7pX9R+rdbrZGAe0fCPZB7PRqGd63WFwB9CzeX93yT1DiC7exZQO/BzXx4rlvlhMPx4XCqCaTP0JV9bQfz+J5W1mDlj+ICnj8MWjU9+J/H/3l3ZDSKWR4Pf1JycHBwcHDUcn/jprq5B3rroXdNrKR3dVG9q2ub6aF2LaldhoIeWr4dwuvon/lNMj6sVRofFfYpIsmwHu8E1QsksnxkTRPOxKdjsYRC81DrQfhjSiwRyRb5Im1vLJuNxpX0gR62b6TtLYhdrUVVWa2mybJUHqqdCuFSzHaqlgrpErSXW0x6uhnnqdxjpnY047JsDJvbXeJLGwcHBwcHBwfHptajPSb9zfPAenQH0aOZonlOjRchMRsr6IcWVCxApx/nnixWQacfB6vaHkSPRiV6dEOFdJ+a9F4P13s5ODg4ODg4OLa5Hm2pjT26xE6/uCnPzZBzk2jdc5PDnUy/53gUwc4HDYNp9HYa5aIHxkZiSiQ7nVYyuulV2F9tFOScYOEQIyx28L6oznpHehDRjb1Qsr6R9asVEd7669mSfO8d89yWaJcY9euNKoySE8GxfhKeSGa1cTw+S8LM7jEz0q3RTDatUSWXVdLJSILlOzOWAf34f1CrB5kH1oKX21nBUcimib25vBy9TYg/UWH+Uzr/fHk5Ns/nbGC4f/N5wzDlf9ld63lgrelz38bsZ0DOYt6y3fs5ytbT4rxiT2DHOj2xxdpDZOsG8atL4lKPfoS00BZRQ3v9O94EmHoo68HA0RPHtBrZjeN3sNhgBKlsXEnvj/dhvU0Eox9e0IUdprA+PvRj+y+Md7mJP6M4ODg4ODg4ODg4ODg4OGqFQCjkhzB95R+tAjSqO3WXtfmHbXJ/J4ODoNqgBP0b7czWtErDrAFKzMIU92uskHQpiQXEientAcbrvNt31zsU9IFFlavHnLGO6z5WBitl4tKlDwIhLAWrhrxK336QYBBy2hsYJGbJS/htYKSnU29NeYeOBcDy1dfPSfA+Zu0AdLC+HtSPPjTCEbulCX7Dlzvh6WtLO+EjTeC7U58/Dm9rlws33J1wDV/uhlf7f+rTzEONcHFCfgWe0gTu2Adeg9Ma1/+ncgpnpF4eT4cmYVlLdt7xyRn4F9Q3sv/x/vwhvKHdcmfHuY9hQcvhxq+zdzRzbys8s7vdy6dmlVHqEZENY+r/e3iXt6RHJBD0eQsfPVExvfAFQiCMKuzbHAjEUSXOvsCB24s5PdjHNrB0rId9UUMN9BfNqML4LPNZIJBUtwpzTeBsE7Mx5oDAoUw2zdwMODQz0l10JogzYxnmMkCyR8Q1wJm6spNTroJB1pXDUUjKpGLZZnDh5C69UxJH2ZKpM1hWkcGVxKkmkuMIrJloJBFJXw88svPhP0MSYJw=';
const bytes = unzlibSync(Buffer.from(written, 'base64'));
const wanted = Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25);

test('reads what h5py writes, of every width and byte order, compressed and through links', async () => {
  const file = await openHdf5(bytes, 'x.h5');
  for (const name of ['f2', 'be', 'beh', 'f8', 'gz', 'v_1/c3d_features', 'soft', '/v_1/c3d_features']) {
    const array: NumericArray = await file.read(name);
    assert.deepEqual(array.shape, [3, 2], name);
    assert.deepEqual(toFloat32(array), wanted, name);
  }
  assert.equal((await file.read('f2')).dtype, 'f16');
  assert.equal((await file.read('beh')).dtype, 'f16');
  assert.deepEqual(await file.read('ints'), {
    dtype: 'i16',
    shape: [3, 2],
    data: Int16Array.of(0, 1, 2, 3, 4, 5),
  });
  assert.deepEqual((await file.read('scalar')).shape, []);
  assert.deepEqual(await file.find('f8'), {
    dtype: 'f64',
    otherKind: 'floating-point numbers of 8 bytes',
    shape: [3, 2],
  });
  assert.match((await file.find('str'))!.otherKind, /^text$/);
  assert.equal(await file.find('v_1'), undefined);
  assert.equal(await file.find('nowhere'), undefined);
  await file.close();
});

test('reads no other file than itself: external links, external storage and virtual datasets', async () => {
  const path = join(folder, 'links.h5');
  await writeFile(path, bytes);
  const file = await openHdf5(path);
  const refuses = (name: string, message: RegExp) =>
    assert.rejects(
      file.read(name),
      (error) =>
        error instanceof FileFormatError && error.message.startsWith(path) && message.test(error.message),
    );
  await refuses('ext', /holds no dataset ext/);
  await refuses('ext/inner', /holds no dataset/);
  await refuses('external', /external cannot be read \(unable to open external raw data file\)/);
  await refuses('vds', /vds is a virtual dataset over other\.h5/);
  await refuses('lzf', /compressed with lzf.*compression='gzip'/);
  await refuses('str', /holds text/);
  await refuses('v_1', /holds no dataset v_1/);
  await file.close();
});

test('features are datasets of HDF5 files too', async () => {
  const path = join(folder, 'features.hdf5');
  await writeFile(path, bytes);
  assert.deepEqual(await loadFeatures([`${path}#v_1/c3d_features`, `${path}#gz`]), {
    steps: 3,
    channels: 4,
    data: Float32Array.of(0, 0.25, 0, 0.25, 0.5, 0.75, 0.5, 0.75, 1, 1.25, 1, 1.25),
  });
  await assert.rejects(loadFeatures([path]), /name the features' array as .*features\.hdf5#NAME/);
  await assert.rejects(loadFeatures([`${path}#v_2`]), /holds no array v_2, only .* more/);
});

test('what is no HDF5 file is refused, and nothing stays open', async () => {
  await assert.rejects(openHdf5(join(folder, 'none.h5')), FileAccessError);
  await assert.rejects(openHdf5(folder), FileAccessError);
  const path = join(folder, 'text.h5');
  await writeFile(path, 'no HDF5');
  await assert.rejects(
    openHdf5(path),
    (error) => error instanceof FileFormatError && /signature/.test(error.message),
  );
  await assert.rejects(openHdf5(new Uint8Array(), 'empty.h5'), FileFormatError);
});

test('damaged files are refused by a typed error, or read', async () => {
  const small = await hdf5Bytes({ 'v_1/x': { shape: [3, 2], data: wanted } }, { chunks: [1, 2] });
  await fc.assert(
    fc.asyncProperty(damaged(small), async (broken) => {
      try {
        const file = await openHdf5(broken, 'x.h5');
        try {
          for (const name of file.names()) await file.read(name);
        } finally {
          await file.close();
        }
      } catch (error) {
        assert.ok(error instanceof TalError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test('a file of several GiB is read by range', async () => {
  const path = join(folder, 'large.h5');
  await writeFile(path, await hdf5Bytes({ x: { shape: [3, 2], data: wanted } }));
  // The same file behind a user block of 8 GiB, all of it a hole: HDF5 looks for its signature at powers of two.
  const large = await open(path, 'r+');
  const content = await large.readFile();
  await large.write(new Uint8Array(content.length), 0, content.length, 0);
  await large.write(content, 0, content.length, 2 ** 33);
  await large.close();
  const before = process.memoryUsage.rss();
  const file = await openHdf5(path);
  assert.deepEqual(toFloat32(await file.read('x')), wanted);
  await file.close();
  assert.ok(process.memoryUsage.rss() - before < 2 ** 28);
});
