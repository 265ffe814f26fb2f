/** @file Writes an annotation file of train2017's size: its people, its images, and polygons as long as COCO's. */
import {closeSync, openSync, writeSync} from 'node:fs';

const KEYPOINT_NAMES =
  'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist ' +
  'right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle';
const [WIDTH, HEIGHT] = [640, 480];

/** A small generator of numbers in [0, 1) that is the same in every run. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function person(id, images, random) {
  const [w, h] = [20 + random() * 300, 40 + random() * 300];
  const [x, y] = [random() * (WIDTH - w), random() * (HEIGHT - h)];
  const at = (from, length) => Math.round((from + random() * length) * 100) / 100;
  const corners = 40 + Math.floor(random() * 280);
  const polygon = Array.from({length: 2 * corners}, (_, i) => (i % 2 === 0 ? at(x, w) : at(y, h)));
  const keypoints = Array.from({length: 17}, () =>
    random() < 0.3 ? [0, 0, 0] : [Math.round(at(x, w)), Math.round(at(y, h)), random() < 0.3 ? 1 : 2],
  );
  return {
    segmentation: [polygon],
    num_keypoints: keypoints.filter(([, , v]) => v > 0).length,
    area: at(0, w * h),
    iscrowd: 0,
    keypoints: keypoints.flat(),
    image_id: 1 + Math.floor(random() * images),
    bbox: [x, y, w, h].map((value) => Math.round(value * 100) / 100),
    category_id: 1,
    id,
  };
}

function image(id) {
  const name = String(id).padStart(12, '0');
  return {
    license: 3,
    file_name: `${name}.jpg`,
    coco_url: `http://images.cocodataset.org/train2017/${name}.jpg`,
    height: HEIGHT,
    width: WIDTH,
    date_captured: '2013-11-14 11:18:45',
    flickr_url: `http://farm9.staticflickr.com/8186/${name}_d3b2b1d3d8_z.jpg`,
    id,
  };
}

/** Writes the file, `people` annotations on `images` images. */
export function writeAnnotationFile(path, people, images) {
  const random = generator(1);
  const file = openSync(path, 'w');
  const list = (name, count, record) => {
    writeSync(file, `"${name}": [`);
    for (let first = 1; first <= count; first += 1000) {
      const size = Math.min(1000, count - first + 1);
      const text = Array.from({length: size}, (_, i) => JSON.stringify(record(first + i))).join(', ');
      writeSync(file, first === 1 ? text : `, ${text}`);
    }
    writeSync(file, ']');
  };
  writeSync(file, '{"info": {"description": "as large as COCO 2017"}, "licenses": [], ');
  list('images', images, image);
  writeSync(file, ', ');
  list('annotations', people, (id) => person(id, images, random));
  const category = {supercategory: 'person', id: 1, name: 'person', keypoints: KEYPOINT_NAMES.split(' ')};
  writeSync(file, `, "categories": [${JSON.stringify(category)}]}`);
  closeSync(file);
}
