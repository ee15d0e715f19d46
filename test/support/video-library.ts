import { videoLibrary } from '../../src/data/video/video-library.js';

/** For `test(name, { skip: noVideoLibrary }, …)`: why video files cannot be read here, or false where they can. */
export const noVideoLibrary: string | false = await videoLibrary().then(
  () => false,
  (error: Error) => error.message,
);
