// The fault tests by group and row: which tests a row is made of. A test file with a row's id at the head of a test's name
// needs no entry of its own; `elsewhere` names tests of other files by a pattern for their full name.
export const GROUPS = {
  A: 'checkpoint I/O',
  B: 'exact resume',
  C: 'numerics',
  D: 'memory',
  F: 'configuration and command line',
  H: 'process and log',
};

const in_ = (file, pattern) => ({file: `test/${file}.test.ts`, pattern});

/** Those whose gradients are compared with finite differences. */
const OPERATORS = [
  ...[
    'activations',
    'attention',
    'batchNorm',
    'convolution',
    'gridSample',
    'layerNorm',
    'pixelShuffle',
    'pooling',
  ],
  ...['resize', 'softmax', 'transposedConvolution'],
];

/** Row, what happens, and the tests outside of test/faults. */
export const ROWS = [
  ['A1', 'SIGKILL at each point of a save', in_('checkpoint/save', /killed \(SIGKILL\)/)],
  ['A2', 'SIGKILL at random instants'],
  [
    'A3',
    'disk full during a save',
    in_('checkpoint/save', /disk fills up|1\.2 times/),
    in_('checkpoint/files', /full disk/),
  ],
  [
    'A4',
    'EFBIG, EDQUOT, EIO, EROFS, EACCES',
    in_('checkpoint/files', /E[A-Z]+/),
    in_('train/hooks/checkpoint', /takes no checkpoint/),
  ],
  ['A5', 'short writes', in_('checkpoint/files', /at a time|offered|every second time|nothing twice/)],
  ['A6', 'a flush that fails', in_('checkpoint/files', /flush fails/)],
  ['A7', 'a rename that fails', in_('checkpoint/save', /rename fails/)],
  [
    'A8',
    'a damaged checkpoint',
    in_('checkpoint/load', /newest checkpoint falls back|notices|goes back|says how long/),
    in_('cli/pose-train', /damaged/),
  ],
  ['A9', 'all are damaged', in_('checkpoint/load', /all are damaged/)],
  ['A10', 'steps 9, 10, 100 and strangers', in_('checkpoint/load', /orders steps/)],
  [
    'A11',
    'a pointer that is wrong',
    in_('checkpoint/load', /pointers/),
    in_('train/hooks/checkpoint', /pointers/),
  ],
  ['A12', 'two trainers, stale locks', in_('checkpoint/lock', /lock/)],
  ['A13', 'retention that fails', in_('checkpoint/retention', /./)],
  ['A15', 'a clock that jumps', in_('checkpoint/load', /dates/)],
  ['A16', 'earlier format versions', in_('checkpoint/load', /another version/)],
  ['A17', 'another configuration', in_('train/identity', /./)],
  ['B1', 'stopped after every step'],
  ['B2', 'other worker counts'],
  ['B3', 'a chain of interruptions'],
  ['B4', 'other validations'],
  ['B5', 'same and other seeds'],
  [
    'B6',
    'threads that finish in any order',
    in_('data/loader/faults', /that is slow/),
    in_('data/loader/workerPool', /whichever thread/),
  ],
  ['B8', 'losses that were written down'],
  ['B9', 'a torn log', in_('report/metricsLog', /cut|tore|ends before/)],
  [
    'C1',
    'a NaN or an infinity anywhere in a step',
    in_('train/updater', /not finite/),
    in_('train/diverged', /stops at what is not finite/),
  ],
  // The child processes log every second step, and the bad one is the fifth.
  ['C2', 'one in a step that is not logged', in_('train/diverged', /stops at what is not finite/)],
  ['C3', 'skip', in_('train/hooks/finite', /skip/), in_('train/diverged', /leaves bad steps out/)],
  ['C4', 'rollback', in_('train/hooks/finite', /rollback/), in_('train/diverged', /goes back/)],
  ['C6', 'a loss that leaps', in_('train/hooks/lossWatch', /./)],
  ['C7', 'a best that is no number', in_('metrics/pck', /better of two/)],
  [
    'C8',
    'nothing visible, a batch of one, boxes without area',
    in_('train/updater', /visible keypoint|batch of one/),
    in_('data/datasets/faults', /bbox/),
  ],
  ['C9', 'gradients', ...OPERATORS.map((name) => in_(`engine/ops/${name}`, /finite differences/))],
  [
    'C10',
    'operators with random values',
    in_('engine/torch/binary', /./),
    in_('engine/torch/few', /./),
    in_('engine/torch/boundary', /./),
  ],
  ['D1', 'a thousand steps', in_('engine/leaks', /./)],
  [
    'D2',
    'an error in the midst of a step',
    in_('train/updater', /in the midst of/),
    in_('train/uploadAhead', /error of the source/),
  ],
  ['D3', 'memory that is not to be had', in_('cli/outOfMemory', /./)],
  ['D5', 'a heap that is full', in_('data/loader/faults', /"memory"/)],
  [
    'F1',
    'a wrong configuration file',
    in_('config/load', /wrong|not there|extend each other/),
    in_('cli/command', /nothing/),
  ],
  ['F2', "HRNet's files", in_('config/legacy', /published files/), in_('cli/legacy', /./)],
  ['F3', 'overrides of every key', in_('config/overrides', /./), in_('cli/overrides', /./)],
  [
    'F4',
    'a run folder that cannot be',
    in_('cli/damaged', /output folder/),
    in_('cli/pose-train', /not trained over|goes on with --resume/),
  ],
  ['F5', 'readers that go away', in_('report/console', /./), in_('cli/command', /reader has gone/)],
  ['F6', 'an engine that is missing', in_('cli/command', /not built/), in_('engine/tensorflow', /./)],
  ['H1', 'a signal at any moment', in_('cli/interrupted', /told to end/)],
  ['H2', 'other and second signals', in_('train/hooks/signals', /./)],
  ['H3', 'bugs'],
  ['H5', 'another seed or dataset'],
  [
    'H6',
    'a log that cannot be written',
    in_('report/metricsLog', /disk is full|folder has been removed|refuses at the start/),
    in_('report/tensorboard/eventFile', /removed|full|cannot be made/),
    in_('cli/outputs', /disk fails/),
  ],
  ['H7', 'event files after SIGKILL', in_('cli/outputs', /killed/)],
];
