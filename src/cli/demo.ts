import { ensureWritable, writeWhole } from '../data/detection-json.js';
import { openSafetensors } from '../data/safetensors.js';
import { temporalIoU } from '../evaluation/segments.js';
import { Cmcs } from '../models/wtal/cmcs.js';
import { localizeActions } from '../models/wtal/localize.js';
import { Runtime } from '../tensor/runtime.js';
import { demoCheckpoint, demoClasses, demoVideo } from './demo-video.js';
import { localizationTimeline } from './localization-timeline.js';
import { printSegments } from './segments-table.js';
import { timelineFile } from './timeline.js';

/** `tal demo`: the whole path of `tal localize` on an input that needs no download. */
export async function demo({ plot }: { plot: string }): Promise<void> {
  await ensureWritable(plot);
  const runtime = await Runtime.create();
  try {
    console.log(`adapter: ${runtime.traits.vendor} ${runtime.traits.description}`);
    console.log(
      'input: features made up here, with noise and four planted actions; the network is CMCS with weights set by\n' +
        'hand to match them (a real video and real weights: see "tal localize" in the README)\n',
    );
    const video = demoVideo();
    const checkpoint = await openSafetensors(demoCheckpoint(), 'demo checkpoint');
    const model = await Cmcs.load(runtime, checkpoint);
    const localization = await localizeActions(model, video.features, demoClasses, video.duration);
    printSegments(localization, 8);

    console.log('\nplanted action            found');
    for (const { label, segment } of video.actions) {
      const overlaps = localization.segments
        .filter((found) => found.label === label)
        .map((found) => temporalIoU(found.segment, segment));
      const best = Math.max(0, ...overlaps);
      const span = segment.map((seconds) => seconds.toFixed(0).padStart(3)).join(' -');
      console.log(`${label.padEnd(12)}${span} s    ${best > 0 ? `IoU ${best.toFixed(2)}` : 'no'}`);
    }
    const timeline = localizationTimeline(
      localization,
      'A made-up video',
      'CMCS with weights set by hand',
      video.actions,
    );
    await writeWhole(plot, timelineFile(timeline, plot));
    console.log(`\ntimeline drawn in ${plot}: open it in a browser`);
  } finally {
    runtime.destroy();
  }
}
