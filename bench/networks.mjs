// The networks that are timed.

/** HRNet of a width, with the published blocks. */
export function hrnet(width) {
  const stage = (branches, modules) => {
    const each = (value) => Array.from({length: branches}, (_, i) => value(i));
    return {modules, blocks: each(() => 4), channels: each((i) => width * 2 ** i)};
  };
  return {
    type: 'hrnet',
    stemChannels: 64,
    stage1: {blocks: 4, channels: 64},
    stage2: stage(2, 1),
    stage3: stage(3, 4),
    stage4: stage(4, 3),
  };
}
