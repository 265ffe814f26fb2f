/** @file Every key of training is explained to users. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {load} from 'js-yaml';
import {describe, expect, it} from 'vitest';
import {CONFIG_KEYS} from '../../src/config/keys.js';
import {trainSchema} from '../../src/config/trainSchema.js';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';

const PAGE = readFileSync(join(PACKAGE_ROOT, 'docs/training.md'), 'utf8');
const KEYS = CONFIG_KEYS.filter((key) => key.startsWith('train.')).map((key) => key.split('.').at(-1)!);
const GROUP_KEYS = ['match', 'learningRateFactor', 'weightDecay', 'frozen'];

describe('docs/training.md', () => {
  it.each([...new Set([...KEYS, ...GROUP_KEYS])])('explains %s', (key) => {
    expect(PAGE).toMatch(new RegExp(`\\b${key}\\b`));
  });

  const examples = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text);

  it.each(examples)('has an example that is valid: %s', (text) => {
    const content = load(text) as Record<string, unknown>;
    const {success, error} = trainSchema.safeParse(content.train ?? content);
    expect(success, error?.message).toBe(true);
  });
});
