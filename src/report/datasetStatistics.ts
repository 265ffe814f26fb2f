/** @file A dataset's statistics as text and as one picture of charts. */
import type {Bin, Distribution, KeypointVisibility, PeopleStatistics} from '../data/statistics.js';
import {type BarPlot, barPlot} from './barPlot.js';
import {formatCount, formatNumber} from './format.js';
import {escapeMarkup} from './markup.js';
import {textTable} from './tables.js';

const BLUE = '#2f81f7';
const VISIBILITY = [
  {name: 'visible', color: '#1a9e77'},
  {name: 'hidden', color: '#e8710a'},
  {name: 'not labelled', color: '#c3cad2'},
];
/** More keypoints than this have no room for their names. */
const MOST_NAMES = 40;

function share(count: number, of: number): string {
  return of === 0 ? '–' : `${((100 * count) / of).toFixed(1)} %`;
}

/** The figures as aligned tables, a blank line between two. */
export function statisticsText(stats: PeopleStatistics): string {
  const {images, people, sizes, visibility} = stats;
  const {small, medium, large} = sizes;
  const sizeRows = [
    ['small (box below 32²)', small],
    ['medium', medium],
    ['large (96² and more)', large],
  ] as const;
  return [
    `${formatCount(images)} images, ${formatCount(people)} people`,
    textTable(
      ['', 'mean', '5 %', '25 %', '50 %', '75 %', '95 %'],
      [
        distributionRow('people per image', stats.peoplePerImage),
        distributionRow('box size, √area in px', stats.boxSide),
        distributionRow('width / height', stats.aspectRatio),
        distributionRow('labelled keypoints', stats.labelledKeypoints),
        distributionRow('greatest IoU with another', stats.greatestOverlap),
        distributionRow('CrowdIndex of an image', stats.crowdIndex),
      ],
    ),
    textTable(
      ['size', 'people', ''],
      sizeRows.map(([name, count]) => [name, formatCount(count), share(count, people)]),
    ),
    textTable(
      ['keypoint', 'visible', '', 'hidden', '', 'not labelled', ''],
      visibility.map((row) => visibilityRow(row, people)),
    ),
  ].join('\n\n');
}

function distributionRow(name: string, {mean, quantiles}: Distribution): string[] {
  return [name, ...[mean, ...quantiles].map((value) => formatNumber(value))];
}

function visibilityRow({name, visible, hidden, unlabelled}: KeypointVisibility, people: number): string[] {
  const counts = [visible, hidden, unlabelled];
  return [name, ...counts.flatMap((count) => [formatCount(count), share(count, people)])];
}

function histogram(title: string, xLabel: string, {bins}: Distribution, label: (bin: Bin) => string): string {
  const bars = bins.map((bin) => ({label: label(bin), values: [bin.count]}));
  return barPlot({title, xLabel, stack: [{name: 'people', color: BLUE}], bars});
}

/** `3`, or `20+` of an open bin. */
const lowest = ({from, to}: Bin): string => (to === null ? `${from}+` : String(from));

function visibilityPlot(visibility: readonly KeypointVisibility[]): BarPlot {
  const isLong = visibility.length > MOST_NAMES;
  return {
    title: 'Visibility of each keypoint',
    xLabel: isLong ? 'keypoint, by its number from 0' : '',
    stack: VISIBILITY,
    bars: visibility.map(({name, visible, hidden, unlabelled}, k) => ({
      label: isLong ? String(k) : name,
      values: [visible, hidden, unlabelled],
    })),
    hasNames: !isLong,
  };
}

const PANEL = {width: 480, height: 270};
const COLUMNS = 3;
const HEADER = 40;

/** Six histograms and the visibility of each keypoint, as the text of an SVG file. */
export function statisticsPicture(stats: PeopleStatistics, title: string): string {
  const {width, height} = PANEL;
  const panels = [
    histogram('People per image', 'people (images counted)', stats.peoplePerImage, lowest),
    histogram('Size of the box', 'square root of the area, in pixels, from', stats.boxSide, lowest),
    histogram('Shape of the box', 'width / height, from', stats.aspectRatio, lowest),
    histogram('Labelled keypoints', 'of a person', stats.labelledKeypoints, lowest),
    histogram('Overlap', "greatest IoU with another's box, from", stats.greatestOverlap, lowest),
    histogram('Crowding', 'CrowdIndex, from (images counted)', stats.crowdIndex, lowest),
  ];
  const rows = Math.ceil(panels.length / COLUMNS);
  const placed = panels.map((panel, i) => {
    const [x, y] = [(i % COLUMNS) * width, HEADER + Math.floor(i / COLUMNS) * height];
    return `<g transform="translate(${x} ${y})">${panel}</g>`;
  });
  const widest = barPlot(visibilityPlot(stats.visibility), COLUMNS * width, 1.4 * height);
  const total = [COLUMNS * width, HEADER + (rows + 1.4) * height] as const;
  const summary = `${title}: ${formatCount(stats.images)} images, ${formatCount(stats.people)} people`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${total[0]}" height="${total[1]}" viewBox="0 0 ${total.join(' ')}" color="#1c2128" fill="currentColor" font-family="system-ui, sans-serif">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="12" y="28" font-size="18" font-weight="600">${escapeMarkup(summary)}</text>`,
    ...placed,
    `<g transform="translate(0 ${HEADER + rows * height})">${widest}</g>`,
    '</svg>',
  ].join('\n');
}
