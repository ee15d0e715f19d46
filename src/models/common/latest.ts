import type { VideoInput } from '../../datasets/open-input.js';

/** What `load` gives for the video that was asked for last: windows of a video are asked for one after the other. */
export function latest<T>(load: (video: VideoInput) => Promise<T>): (video: VideoInput) => Promise<T> {
  let last: { readonly video: VideoInput; readonly loaded: Promise<T> } | undefined;
  return (video) => {
    if (last?.video !== video) last = { video, loaded: load(video) };
    return last.loaded;
  };
}
