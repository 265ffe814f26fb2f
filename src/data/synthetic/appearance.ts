/** @file What a person looks like: skin, hair and clothes, drawn at random. */
import type {RandomStream} from '../../random.js';
import {type Colour, type Material, type Pattern, plain} from './solids.js';

export const HAIR_STYLES = ['short', 'long', 'bun', 'bald', 'cap'] as const;
export type HairStyle = (typeof HAIR_STYLES)[number];
export type LegWear = 'trousers' | 'shorts' | 'skirt';

export interface Appearance {
  readonly skin: Material;
  readonly lips: Material;
  readonly iris: Material;
  readonly brow: Material;
  readonly hair: Material;
  readonly hairStyle: HairStyle;
  readonly bearded: boolean;
  readonly shirt: Material;
  /** Fractions of the arm that the sleeve covers: 0.5 is half of the upper arm, 2 reaches the wrist. */
  readonly sleeve: number;
  /** A print on the breast, or none. */
  readonly print: Material | null;
  readonly legWear: LegWear;
  readonly legs: Material;
  readonly socks: Material;
  readonly shoes: Material;
}

const SKIN: readonly Colour[] = [
  [255, 219, 190],
  [240, 194, 156],
  [214, 160, 118],
  [172, 118, 80],
  [128, 82, 54],
  [88, 56, 40],
];

const HAIR: readonly Colour[] = [
  [28, 22, 20],
  [62, 40, 26],
  [112, 72, 38],
  [196, 152, 84],
  [150, 66, 34],
  [150, 148, 146],
];

const WHITE: Colour = [236, 236, 232];

export function sampleAppearance(random: RandomStream): Appearance {
  const skin = varied(random, random.pick(SKIN), 10);
  const hair = varied(random, random.pick(HAIR), 10);
  const legWear = random.pick<LegWear>(['trousers', 'trousers', 'trousers', 'shorts', 'shorts', 'skirt']);
  return {
    skin: plain(skin),
    lips: plain([skin[0] * 0.78, skin[1] * 0.45, skin[2] * 0.45]),
    iris: plain([22, 18, 20]),
    brow: plain(mixed(hair, [20, 16, 14], 0.4)),
    hair: plain(hair),
    hairStyle: random.pick<HairStyle>(['short', 'short', 'short', 'long', 'long', 'bun', 'bald', 'cap']),
    bearded: random.chance(0.12),
    shirt: cloth(random, 0.45),
    sleeve: random.pick([0.45, 0.55, 0.65, 1.96, 1.96]),
    print: random.chance(0.35) ? plain(anyColour(random)) : null,
    legWear,
    legs: cloth(random, legWear === 'skirt' ? 0.4 : 0.06),
    socks: plain(random.chance(0.5) ? WHITE : anyColour(random)),
    shoes: plain(random.chance(0.4) ? [38, 34, 36] : anyColour(random)),
  };
}

function cloth(random: RandomStream, patterned: number): Material {
  const colour = anyColour(random);
  if (!random.chance(patterned)) return plain(colour);
  const pattern = random.pick<Pattern>(['hoops', 'hoops', 'stripes', 'checks']);
  const accent = random.chance(0.5) ? WHITE : anyColour(random);
  return {colour, pattern, accent, period: random.uniform(0.06, 0.14)};
}

/** Any hue, from nearly grey to vivid. */
export function anyColour(random: RandomStream): Colour {
  return fromHue(random.uniform(), random.uniform(0.05, 0.8), random.uniform(50, 245));
}

export function fromHue(hue: number, saturation: number, value: number): Colour {
  const channel = (shift: number): number => {
    const k = (shift + hue * 6) % 6;
    return value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1)));
  };
  return [channel(5), channel(3), channel(1)];
}

export function varied(random: RandomStream, [r, g, b]: Colour, spread: number): Colour {
  const channel = (value: number) => Math.min(255, Math.max(0, value + random.normal(0, spread)));
  return [channel(r), channel(g), channel(b)];
}

export const mixed = (a: Colour, b: Colour, fraction: number): Colour => [
  a[0] + (b[0] - a[0]) * fraction,
  a[1] + (b[1] - a[1]) * fraction,
  a[2] + (b[2] - a[2]) * fraction,
];
