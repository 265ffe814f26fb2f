// Loaded by `--import` into pose-train: in the batches that POISON_AT names (a list of epoch/batch, both from 0, or
// epoch/* for all) something is not a number: the first pixel of the second image, a weight, a running variance, a gradient.
import {isMainThread} from 'node:worker_threads';

const {POISON, POISON_AT = ''} = process.env;
const places = new Set(POISON_AT.split(' '));

/** Whether the batch that is under way is one of them. */
let isDue = false;

async function install() {
  const from = (path) => import(new URL(`../../../dist/${path}`, import.meta.url));
  const [{BatchLoader}, {Updater}, {TopDownTask}, tf] = await Promise.all([
    from('data/loader/loader.js'),
    from('train/updater.js'),
    from('tasks/topDown.js'),
    import('@tensorflow/tfjs'),
  ]);
  const {batches} = BatchLoader.prototype;
  BatchLoader.prototype.batches = async function* (epoch, start = 0) {
    let at = start;
    for await (const batch of batches.call(this, epoch, start)) {
      isDue = places.has(`${epoch}/${at}`) || places.has(`${epoch}/*`);
      yield batch;
      at++;
    }
  };

  const spoil = (variable) => tf.tidy(() => variable.assign(tf.mul(variable, Number.NaN)));
  const {add} = Updater.prototype;
  const {gradients} = TopDownTask.prototype;
  let model;
  TopDownTask.prototype.gradients = function (...args) {
    model = this.model;
    const found = gradients.apply(this, args);
    if (isDue && POISON === 'gradient')
      found.gradients[7] = tf.mul(found.gradients[7], Number.POSITIVE_INFINITY);
    return found;
  };
  Updater.prototype.add = function (batch) {
    if (isDue && POISON === 'pixel') batch.images[batch.images.length / batch.samples.length] = Number.NaN;
    if (isDue && model && POISON === 'weight') spoil(model.namedParameters().get('layer1.0.conv2.weight'));
    if (isDue && model && POISON === 'variance') spoil(model.namedBuffers().get('layer1.1.bn2.running_var'));
    return add.call(this, batch);
  };
}

if (POISON && isMainThread) await install();
