import { activitynet } from './activitynet.js';
import { activitynetCaptions } from './activitynet-captions.js';
import { charadesSta } from './charades-sta.js';
import { co2net } from './co2net.js';
import { csv } from './csv.js';
import { didemo } from './didemo.js';
import { elan } from './elan.js';
import { hapt } from './hapt.js';
import type { Layout } from './layout.js';
import { qvhighlights } from './qvhighlights.js';
import { rtl } from './rtl.js';
import { tacos } from './tacos.js';
import { tal } from './tal.js';
import { tvsum } from './tvsum.js';
import { via } from './via.js';
import { youtubeHighlights } from './youtube-highlights.js';

/** Every layout that is read. */
export const layouts: readonly Layout[] = [
  tal,
  activitynet,
  activitynetCaptions,
  co2net,
  charadesSta,
  qvhighlights,
  tacos,
  didemo,
  rtl,
  tvsum,
  youtubeHighlights,
  hapt,
  csv,
  elan,
  via,
];
