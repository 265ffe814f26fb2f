/** @file A run's configuration for tests: everything at its default where nothing has to be said. */
import {type Config, configSchema} from '../../src/config/schema.js';
import {TINY_HRNET} from '../models/configs.js';

export const CONFIG: Config = configSchema.parse({
  name: 'run',
  model: {name: 'tiny', input: [32, 32], backbone: TINY_HRNET, head: {type: 'heatmap', sigma: 1.5}},
  dataset: {
    root: 'data',
    train: {annotations: 'people.json', images: 'images'},
    val: {annotations: 'people.json', images: 'images'},
  },
  train: {epochs: 2, batchSize: 2},
});
