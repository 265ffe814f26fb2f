// Prints a digest of every batch of two epochs, as JSON; an error as the commands do.
import {createHash} from 'node:crypto';
import {pathToFileURL} from 'node:url';

const [dist, optionsText] = process.argv.slice(2);
const from = (path) => import(new URL(path, `${pathToFileURL(dist)}/`));
const [{configSchema}, {openDataset}, {loadKeypointSet}, {BatchLoader}, {runCommand}] = await Promise.all(
  [
    'config/schema.js',
    'data/datasets/index.js',
    'data/keypoints.js',
    'data/loader/loader.js',
    'cli/command.js',
  ].map(from),
);

await runCommand(async () => {
  const {root, ...options} = JSON.parse(optionsText);
  const split = {annotations: 'annotations.json', images: 'images'};
  const config = configSchema.shape.dataset.parse({root, train: split, val: split});
  const dataset = await openDataset(config, 'train', loadKeypointSet('coco17'));
  const loader = new BatchLoader({
    dataset,
    input: [64, 48],
    codec: {type: 'msra', input: [64, 48], stride: 4, sigma: 2, keypoints: 17},
    ...{boxPadding: 1.25, augment: config.augment},
    ...{seed: 7, batchSize: 3, shuffle: true, prefetch: 2, timeoutSeconds: 20, maxBadFraction: null},
    ...options,
  });
  const digests = [];
  try {
    for (const epoch of [0, 1]) {
      for await (const {images, targets, targetWeights, samples} of loader.batches(epoch)) {
        const hash = createHash('sha256');
        for (const array of [images, targets, targetWeights]) hash.update(array);
        digests.push(hash.update(JSON.stringify(samples)).digest('hex'));
      }
    }
    process.stdout.write(JSON.stringify(digests));
  } finally {
    await loader.close();
  }
});
