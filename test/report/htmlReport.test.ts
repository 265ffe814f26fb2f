import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {type Report, writeReport} from '../../src/report/htmlReport.js';
import {escapeMarkup} from '../../src/report/markup.js';

const ATTACK = '<script>alert("x")</script> & \'y\'';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(folder, {recursive: true}));

function picture(width: number, height: number): Promise<Buffer> {
  return sharp({create: {width, height, channels: 3, background: '#808080'}})
    .jpeg()
    .toBuffer();
}

function emptyReport(): Report {
  return {
    runFolder: folder,
    title: 'toy',
    summary: [],
    facts: [],
    events: [],
    evaluations: [],
    perKeypoint: {},
    pictures: [],
    config: 'seed: 0\n',
  };
}

async function html(changes: Partial<Report>): Promise<string> {
  return readFileSync(await writeReport({...emptyReport(), ...changes}), 'utf8');
}

describe('the report', () => {
  it('shows figures, curves, pictures, facts and the configuration', async () => {
    const page = await html({
      summary: ['Best AP 0.742 at epoch 2.'],
      facts: [['device', 'cpu, 2 threads']],
      events: [
        {type: 'train', step: 1, epoch: 0, loss: 0.5, learningRate: 1e-3, imagesPerSecond: 10},
        {type: 'eval', step: 1, epoch: 1, AP: 0.742},
      ],
      evaluations: [{name: 'best', stats: {AP: 0.742, APM: -1}}],
      pictures: [{name: 'samples', title: 'Samples', caption: 'two people', jpeg: await picture(64, 48)}],
    });
    for (const text of ['Best AP 0.742 at epoch 2.', 'cpu, 2 threads', 'seed: 0', 'two people', '>0.742<']) {
      expect(page).toContain(text);
    }
    expect(page).toMatch(/APM: not measured/);
    expect(page.match(/<svg /g)).toHaveLength(4);
    expect(page).toMatch(/<img src="data:image\/jpeg;base64,[^"]+" width="64" height="48"/);
  });

  it('has a table by keypoint, with shares as filled cells', async () => {
    const page = await html({
      perKeypoint: {nose: {labelled: 12, OKS: 0.5, EPE: 3.456}, [ATTACK]: {labelled: 0, OKS: -1}},
    });
    expect(page).toContain(
      '<th scope="row">nose</th><td>12</td><td class="share" style="--share:50.0%">0.500</td><td>3.46</td>',
    );
    expect(page).toContain('</th><td>0</td><td>–</td><td>–</td>');
    expect(page).not.toContain('<script');
  });

  it('needs no other file and no network', async () => {
    const page = await html({
      events: [{type: 'train', step: 1, epoch: 0, loss: 0.5}],
      pictures: [{name: 'samples', title: 'Samples', caption: '', jpeg: await picture(64, 48)}],
    });
    const sources = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]);
    expect(sources.every((source) => source.startsWith('data:'))).toBe(true);
    expect(page).not.toMatch(/<(?:link|script|iframe|object)\b|url\(|@import/);
    // The name of SVG's namespace is no address.
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:/);
  });

  it('escapes everything that it is given', async () => {
    const page = await html({
      title: ATTACK,
      summary: [ATTACK],
      facts: [[ATTACK, ATTACK]],
      evaluations: [{name: ATTACK, stats: {[ATTACK]: -1}}],
      pictures: [{name: ATTACK, title: ATTACK, caption: ATTACK, jpeg: await picture(8, 8)}],
      events: [{type: 'train', step: 1, epoch: 0, [`loss${ATTACK}`]: 1, loss: 2}],
      config: ATTACK,
    });
    expect(page).not.toContain('<script');
    expect(page).not.toContain('"x"');
    expect(
      page.split('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;').length,
    ).toBeGreaterThan(10);
  });

  it('gives a wide sheet the whole width', async () => {
    const sheet = {name: 'sheet', title: 'Sheet', caption: '', jpeg: await picture(1200, 600)};
    expect(await html({pictures: [sheet]})).toContain('<figure class="card wide">');
  });

  it('stands without metrics, evaluation and pictures, and replaces an earlier report', async () => {
    await html({title: 'first'});
    const page = await html({title: 'second'});
    expect(page).toContain('<h1>second</h1>');
    expect(page).not.toMatch(/Evaluation|Training|Pictures|Keypoints/);
    expect(readdirSync(folder)).toEqual(['report.html']);
  });
});

describe('escaping', () => {
  it('leaves plain text of any language alone and removes what XML forbids', () => {
    expect(escapeMarkup('Größe 人 😀\n')).toBe('Größe 人 😀\n');
    expect(escapeMarkup('a\u0000b\u001bc\ud800d')).toBe('a b c d');
  });
});
