/** @file Opens an annotation file once, in a process of its own: prints a JSON line with the seconds and the peak memory. */
import {readAnnotations} from '../../dist/data/datasets/annotationCache.js';
import {loadKeypointSet} from '../../dist/data/keypoints.js';

const started = performance.now();
const context = {keypointSet: loadKeypointSet('coco17'), category: null};
const {content, origin} = await readAnnotations('coco', process.argv[2], context);
const seconds = (performance.now() - started) / 1000;
const peak_rss_mib = process.resourceUsage().maxRSS / 1024;
console.log(
  JSON.stringify({
    origin,
    people: content.people.length,
    images: content.images.length,
    seconds,
    peak_rss_mib,
  }),
);
