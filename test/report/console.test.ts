import {execFile} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {describe, expect, it} from 'vitest';
import {compiledModule} from '../../src/packagePaths.js';
import {RunConsole} from '../../src/report/console.js';

/** A stream that remembers, and that can be closed by its reader. */
class FakeStream {
  text = '';
  listener: (error: Error) => void = () => {};
  constructor(
    readonly isTTY: boolean,
    readonly columns = 80,
  ) {}
  write(text: string): boolean {
    this.text += text;
    return true;
  }
  on(_event: 'error', listener: (error: Error) => void): void {
    this.listener = listener;
  }
}

function runConsole(stream: FakeStream, environment: Record<string, string> = {TERM: 'xterm'}) {
  const clock = {now: 0};
  const printer = new RunConsole({stream, environment, plainInterval: 30, now: () => clock.now});
  return {printer, clock};
}

/** What a terminal shows at the end: a carriage return with `ESC [K` empties the line, other codes print nothing. */
function shown(text: string): string[] {
  const cleared = text.split('\n').map((line) => line.slice(line.lastIndexOf('\r\x1b[K') + 1));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes begin with one
  return cleared.map((line) => line.replace(/\x1b\[[0-9;]*[mK]/g, '').replace(/\r/g, ''));
}

describe('the console on a terminal', () => {
  it('keeps one live line and prints other lines above it', () => {
    const stream = new FakeStream(true);
    const {printer, clock} = runConsole(stream);
    printer.line('header');
    for (let step = 1; step <= 3; step++) {
      clock.now += 1000;
      printer.progress(() => `step ${step}`);
    }
    expect(shown(stream.text)).toEqual(['header', 'step 3']);
    printer.line('validated');
    printer.progress(() => 'step 4');
    expect(shown(stream.text)).toEqual(['header', 'validated', 'step 4']);
    printer.endProgress();
    expect(shown(stream.text)).toEqual(['header', 'validated', '']);
  });

  it.each([20, 40, 80])('cuts the live line to a width of %d columns', (columns) => {
    const stream = new FakeStream(true, columns);
    runConsole(stream).printer.progress(() => 'x'.repeat(200));
    expect(shown(stream.text)[0]).toBe('x'.repeat(columns - 1));
  });

  it('folds facts between words, under their values', () => {
    const stream = new FakeStream(true, 20);
    runConsole(stream).printer.facts([
      ['run', 'output/a_long_name_of_a_run'],
      ['model', 'hrnet_w32, 28.5 M parameters'],
    ]);
    expect(shown(stream.text)).toEqual([
      'run    output/a_long_name_of_a_run',
      'model  hrnet_w32,',
      '       28.5 M',
      '       parameters',
      '',
    ]);
  });

  it('redraws at most ten times a second, and makes no text in between', () => {
    const stream = new FakeStream(true);
    const {printer, clock} = runConsole(stream);
    let made = 0;
    for (; clock.now < 1000; clock.now += 1) printer.progress(() => `${++made}`);
    expect(made).toBe(10);
  });
});

describe('the console elsewhere', () => {
  it.each([
    ['into a pipe', false, {TERM: 'xterm'}],
    ['on a dumb terminal', true, {TERM: 'dumb'}],
    ['with NO_COLOR', true, {TERM: 'xterm', NO_COLOR: '1'}],
  ])('prints plain lines without escape codes %s', (_where, isTTY, environment) => {
    const stream = new FakeStream(isTTY);
    const {printer, clock} = runConsole(stream, environment);
    printer.heading('Run');
    printer.facts([
      ['device', 'cpu'],
      ['seed', '0'],
    ]);
    for (; clock.now <= 60_000; clock.now += 1000) printer.progress(() => `at ${clock.now / 1000} s`);
    printer.warn('slow loader');
    printer.endProgress();
    expect(stream.text).toBe('Run\ndevice  cpu\nseed    0\nat 0 s\nat 30 s\nat 60 s\nwarning: slow loader\n');
  });

  it('falls silent when its stream fails', () => {
    const stream = new FakeStream(false);
    const {printer} = runConsole(stream);
    stream.listener(new Error('EPIPE'));
    printer.line('lost');
    printer.progress(() => expect.unreachable());
    expect(stream.text).toBe('');
  });

  it('survives a stream that throws, and prints again when it works', () => {
    const stream = new FakeStream(false);
    const {printer} = runConsole(stream);
    const {write} = stream;
    stream.write = () => {
      throw new Error('ENOSPC');
    };
    printer.line('lost');
    stream.write = write;
    printer.line('kept');
    expect(stream.text).toBe('kept\n');
  });

  it('lets a process finish whose output is piped into `head`', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'console-'));
    const done = join(folder, 'done');
    const program = `
      import {writeFileSync} from 'node:fs';
      import {setTimeout} from 'node:timers/promises';
      import {RunConsole} from ${JSON.stringify(compiledModule('report/console').href)};
      const printer = new RunConsole({plainInterval: 0});
      for (let step = 0; step < 50; step++) {
        printer.progress(() => 'step ' + step);
        printer.line('x'.repeat(4096));
        await setTimeout(2);
      }
      writeFileSync(process.env.DONE, 'all steps');`;
    try {
      const command = `"$NODE" --input-type=module -e "$PROGRAM" | head -n 1; exit "\${PIPESTATUS[0]}"`;
      const env = {...process.env, NODE: process.execPath, PROGRAM: program, DONE: done};
      const {stdout, stderr} = await promisify(execFile)('bash', ['-c', command], {env});
      expect([stdout, stderr]).toEqual(['step 0\n', '']);
      expect(readFileSync(done, 'utf8')).toBe('all steps');
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});
