/** @file How much of a dataset may be bad before nobody should train on it (`dataset.maxBadFraction`). */
import {UserError} from '../../errors.js';
import {type Findings, RULES, type RuleName, ruleLine, type Subject} from './rules.js';

/** How many records of each kind there are, bad ones included. */
export type Counts = Readonly<Partial<Record<Subject, number>>>;

const HINTS: Readonly<Partial<Record<RuleName, string>>> = {
  keypointCount: 'Does dataset.keypoints name the right set?',
  keypointsMissing: 'Is it the file of keypoints (person_keypoints_…), and not of boxes?',
};

/** The share of bad records in that kind of records where it is largest. */
export function badFraction(findings: Findings, counts: Counts): number {
  const shares = (Object.entries(counts) as [Subject, number][]).map(([subject, total]) =>
    total === 0 ? 0 : findings.badCount(subject) / total,
  );
  return Math.max(0, ...shares);
}

/** @throws UserError 'data' with the count and the first record of each fault if more of the records are bad */
export function requireFewBad(
  file: string,
  findings: Findings,
  counts: Counts,
  maxBadFraction: number,
): void {
  if (badFraction(findings, counts) <= maxBadFraction) return;
  const subjects = (Object.keys(counts) as Subject[]).filter((subject) => findings.badCount(subject) > 0);
  const totals = subjects.map((subject) => `${findings.badCount(subject)} of ${counts[subject]} ${subject}`);
  const faults = findings.entries().filter(([rule]) => RULES[rule].isBad);
  const hints = faults.flatMap(([rule]) => HINTS[rule] ?? []);
  throw new UserError(
    'data',
    `${file}: ${totals.join(' and ')} are bad, more than dataset.maxBadFraction=${maxBadFraction} allows: ` +
      `${faults.map(([rule, found]) => ruleLine(rule, found)).join('; ')}. ` +
      `${['"pose-data check" lists them all.', ...hints].join(' ')}`,
  );
}
