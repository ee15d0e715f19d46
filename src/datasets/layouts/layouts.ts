import { activitynet } from './activitynet.js';
import { activitynetCaptions } from './activitynet-captions.js';
import { charadesSta } from './charades-sta.js';
import { hapt } from './hapt.js';
import type { Layout } from './layout.js';
import { qvhighlights } from './qvhighlights.js';
import { tal } from './tal.js';
import { tvsum } from './tvsum.js';
import { youtubeHighlights } from './youtube-highlights.js';

/** Every layout that is read. */
export const layouts: readonly Layout[] = [
  tal,
  activitynet,
  activitynetCaptions,
  charadesSta,
  qvhighlights,
  tvsum,
  youtubeHighlights,
  hapt,
];
