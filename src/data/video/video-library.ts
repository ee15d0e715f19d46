import { FeatureError, MissingPackageError } from '../../errors.js';
import { registerOpaqueDecoder } from './opaque-decoder.js';

export type VideoLibrary = typeof import('mediabunny');

/** A name that no bundler sees: it is for Node alone. */
const codecs = '@napi-rs/webcodecs/polyfill';

let loading: Promise<VideoLibrary> | undefined;

/**
 * What reads and writes video files: mediabunny, over the WebCodecs of the browser, in Node over those of
 * @napi-rs/webcodecs.
 * @throws MissingPackageError where one of them is not installed, FeatureError in a page without WebCodecs
 */
export function videoLibrary(): Promise<VideoLibrary> {
  loading ??= load().catch((error: unknown) => {
    // It may be installed meanwhile.
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<VideoLibrary> {
  const inNode = typeof process !== 'undefined' && Boolean(process.versions?.node);
  const lacking = typeof VideoDecoder === 'undefined';
  if (lacking && !inNode) {
    throw new FeatureError(
      'Video files need WebCodecs: a browser that has them, and a page from https or localhost',
    );
  }
  try {
    if (lacking) await import(/* @vite-ignore */ /* webpackIgnore: true */ codecs);
    // The name itself, so that bundlers put the package beside the page, in a file that is loaded when it is needed.
    const library = await import('mediabunny');
    if (lacking) registerOpaqueDecoder(library);
    return library;
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
