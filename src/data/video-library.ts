import { MissingPackageError } from '../errors.js';

export type VideoLibrary = typeof import('mediabunny');

/** Names that no bundler sees: who uses no video needs none of them. */
const container = 'mediabunny';
const codecs = '@napi-rs/webcodecs/polyfill';

/**
 * What reads and writes video files: mediabunny, over the WebCodecs of the browser, in Node over those of
 * @napi-rs/webcodecs.
 * @throws MissingPackageError where one of them is not installed
 */
export async function videoLibrary(): Promise<VideoLibrary> {
  try {
    if (typeof VideoDecoder === 'undefined')
      await import(/* @vite-ignore */ /* webpackIgnore: true */ codecs);
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ container);
  } catch (cause) {
    throw new MissingPackageError(
      'Video files need two packages that are not here: npm install mediabunny @napi-rs/webcodecs@1.3.1 ' +
        `(${(cause as Error).message.split('\n')[0]})`,
      { cause },
    );
  }
}

/**
 * Keeps Node alive until the returned function is called: the threads of the codecs do not, and it would end
 * in the middle of a video, without a word.
 */
export function stayAlive(): () => void {
  const timer = setInterval(() => {}, 2 ** 30);
  return () => clearInterval(timer);
}
