/** @file Every key of training and of distillation is explained to users. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {load} from 'js-yaml';
import {describe, expect, it} from 'vitest';
import {distillSchema} from '../../src/config/distillSchema.js';
import {CONFIG_KEYS} from '../../src/config/keys.js';
import {trainSchema} from '../../src/config/trainSchema.js';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';

const pageOf = (name: string) => readFileSync(join(PACKAGE_ROOT, 'docs', name), 'utf8');
const PAGE = pageOf('training.md');
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

describe('docs/distillation.md', () => {
  const keys = CONFIG_KEYS.filter((key) => key.startsWith('distill.')).map((key) => key.split('.').at(-1)!);

  it.each([...new Set(keys)])('explains %s', (key) => {
    expect(pageOf('distillation.md')).toMatch(new RegExp(`\\b${key}\\b`));
  });

  it('has examples that are valid', () => {
    const examples = [...pageOf('distillation.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, text]) => text,
    );
    expect(examples.length).toBeGreaterThan(0);
    for (const text of examples) {
      const {distill} = load(text) as Record<string, unknown>;
      const {success, error} = distillSchema.safeParse(distill);
      expect(success, error?.message).toBe(true);
    }
  });
});
