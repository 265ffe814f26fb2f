/** @file Poses drawn at random: what the legs do, what each arm does, and where the head turns. */
import type {RandomStream} from '../../random.js';
import {type BodyAngles, type LimbAngles, type Pose, withinLimits} from './pose.js';

type Arm = Pick<LimbAngles, 'shoulderPlane' | 'shoulderElevation' | 'shoulderRotation' | 'elbowFlexion'>;
type Leg = Omit<LimbAngles, keyof Arm>;

interface Stance {
  readonly body: Partial<BodyAngles>;
  readonly left: Partial<Leg>;
  readonly right: Partial<Leg>;
  /** Where the activity moves the arms: forwards is positive, in degrees. */
  readonly swing?: number;
  /** The least bend of the elbows. */
  readonly elbows?: number;
  readonly lift?: number;
  readonly seated?: boolean;
}

/** How often each stance comes up, relative to the others: ordinary ones rule. */
const STANCES: readonly (readonly [number, (random: RandomStream) => Stance])[] = [
  [44, standing],
  [24, walking],
  [8, running],
  [7, sitting],
  [5, lunging],
  [4, jumping],
  [3, leaning],
  [2, crouching],
  [3, kneeRaised],
];

const ARMS: readonly (readonly [number, (random: RandomStream) => Arm])[] = [
  [46, hanging],
  [10, bentForward],
  [10, sideways],
  [8, reaching],
  [10, overhead],
  [8, onHip],
  [8, waving],
];

/** A pose within the joint limits. */
export function samplePose(random: RandomStream): Pose {
  const stance = weighted(random, STANCES)(random);
  const style = weighted(random, ARMS);
  // Both arms often do the same.
  const other = random.chance(0.6) ? style : weighted(random, ARMS);
  const swing = stance.swing ?? 0;
  return withinLimits({
    body: {...relaxedBody(random), ...stance.body},
    left: limb(random, stance, stance.left, style(random), swing),
    right: limb(random, stance, stance.right, other(random), -swing),
    lift: stance.lift ?? 0,
    seated: stance.seated ?? false,
  });
}

function weighted<T>(random: RandomStream, choices: readonly (readonly [number, T])[]): T {
  const total = choices.reduce((sum, [weight]) => sum + weight, 0);
  let left = random.uniform(0, total);
  for (const [weight, choice] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  return choices[0][1];
}

function relaxedBody(random: RandomStream): BodyAngles {
  return {
    lean: random.normal(1, 2),
    roll: random.normal(0, 2),
    spineFlexion: random.normal(4, 5),
    spineSide: random.normal(0, 4),
    spineTwist: random.normal(0, 7),
    neckFlexion: random.normal(4, 7),
    neckSide: random.normal(0, 5),
    neckTwist: random.normal(0, 20),
  };
}

function limb(random: RandomStream, stance: Stance, leg: Partial<Leg>, arm: Arm, swing: number): LimbAngles {
  return {
    ...swung(arm, swing),
    elbowFlexion: Math.max(arm.elbowFlexion, stance.elbows ?? 0),
    hipFlexion: random.normal(0, 3),
    hipAbduction: random.uniform(2, 8),
    hipRotation: random.normal(8, 5),
    kneeFlexion: random.uniform(2, 10),
    ankleFlexion: random.normal(0, 3),
    ...leg,
  };
}

/** Only hanging arms follow the legs. */
function swung(arm: Arm, swing: number): Arm {
  if (arm.shoulderElevation > 25 || swing === 0) return arm;
  return {...arm, shoulderPlane: swing > 0 ? 18 : 125, shoulderElevation: 8 + Math.abs(swing)};
}

function standing(random: RandomStream): Stance {
  const spread = random.uniform(1, 9);
  return {body: {}, left: {hipAbduction: spread}, right: {hipAbduction: spread + random.normal(0, 2)}};
}

function walking(random: RandomStream): Stance {
  const stride = random.uniform(14, 30) * (random.chance(0.5) ? 1 : -1);
  const leg = (hipFlexion: number): Partial<Leg> => ({
    hipFlexion,
    hipAbduction: random.uniform(0, 4),
    kneeFlexion: hipFlexion < 0 ? random.uniform(12, 45) : random.uniform(3, 15),
    ankleFlexion: hipFlexion < 0 ? random.uniform(5, 20) : random.uniform(-10, 0),
  });
  return {
    body: {lean: random.uniform(1, 6)},
    left: leg(stride),
    right: leg(-0.8 * stride),
    swing: -0.9 * stride,
    elbows: 12,
  };
}

function running(random: RandomStream): Stance {
  const front: Partial<Leg> = {
    hipFlexion: random.uniform(35, 70),
    kneeFlexion: random.uniform(35, 90),
    hipAbduction: 1,
  };
  const back: Partial<Leg> = {
    hipFlexion: random.uniform(-22, -5),
    kneeFlexion: random.uniform(15, 85),
    ankleFlexion: 25,
    hipAbduction: 1,
  };
  const leftFirst = random.chance(0.5);
  return {
    body: {lean: random.uniform(5, 16)},
    left: leftFirst ? front : back,
    right: leftFirst ? back : front,
    swing: random.uniform(28, 50) * (leftFirst ? -1 : 1),
    elbows: random.uniform(65, 100),
    lift: random.uniform(0, 0.12),
  };
}

function sitting(random: RandomStream): Stance {
  const lean = random.uniform(-12, 8);
  const leg = (): Partial<Leg> => ({
    hipFlexion: 84 + lean + random.normal(0, 5),
    hipAbduction: random.uniform(2, 14),
    kneeFlexion: random.uniform(70, 100),
    hipRotation: random.normal(2, 4),
  });
  return {body: {lean}, left: leg(), right: leg(), seated: true};
}

function lunging(random: RandomStream): Stance {
  const deep = random.uniform(20, 45);
  const bent: Partial<Leg> = {hipFlexion: deep, kneeFlexion: deep, hipAbduction: random.uniform(5, 30)};
  const straight: Partial<Leg> = {hipFlexion: -5, hipAbduction: random.uniform(18, 38), ankleFlexion: 5};
  const leftBent = random.chance(0.5);
  return {body: {}, left: leftBent ? bent : straight, right: leftBent ? straight : bent};
}

function jumping(random: RandomStream): Stance {
  const leg = (): Partial<Leg> => ({
    hipFlexion: random.uniform(0, 35),
    hipAbduction: random.uniform(3, 28),
    kneeFlexion: random.uniform(10, 70),
    ankleFlexion: random.uniform(10, 35),
  });
  return {body: {}, left: leg(), right: leg(), lift: random.uniform(0.1, 0.4)};
}

/** Bends forward over legs that stay upright. */
function leaning(random: RandomStream): Stance {
  const lean = random.uniform(15, 50);
  const leg = (): Partial<Leg> => ({
    hipFlexion: lean + random.normal(0, 4),
    kneeFlexion: random.uniform(3, 20),
  });
  return {
    body: {lean, spineFlexion: random.uniform(8, 35), neckFlexion: random.uniform(-25, 5)},
    left: leg(),
    right: leg(),
  };
}

function crouching(random: RandomStream): Stance {
  const lean = random.uniform(10, 30);
  const bend = random.uniform(60, 95);
  const leg = (): Partial<Leg> => ({
    hipFlexion: lean + bend,
    hipAbduction: random.uniform(8, 25),
    kneeFlexion: bend * 1.25 + random.normal(0, 4),
    ankleFlexion: -0.25 * bend,
  });
  return {body: {lean, spineFlexion: random.uniform(5, 25), neckFlexion: -10}, left: leg(), right: leg()};
}

function kneeRaised(random: RandomStream): Stance {
  const raised: Partial<Leg> = {hipFlexion: random.uniform(45, 95), kneeFlexion: random.uniform(40, 110)};
  return random.chance(0.5) ? {body: {}, left: raised, right: {}} : {body: {}, left: {}, right: raised};
}

function hanging(random: RandomStream): Arm {
  return {
    shoulderPlane: random.uniform(60, 105),
    shoulderElevation: random.uniform(8, 20),
    shoulderRotation: random.normal(10, 12),
    elbowFlexion: random.uniform(4, 32),
  };
}

function bentForward(random: RandomStream): Arm {
  return {
    shoulderPlane: random.uniform(20, 80),
    shoulderElevation: random.uniform(12, 35),
    shoulderRotation: random.uniform(-15, 45),
    elbowFlexion: random.uniform(65, 120),
  };
}

function sideways(random: RandomStream): Arm {
  return {
    shoulderPlane: random.uniform(75, 100),
    shoulderElevation: random.uniform(45, 105),
    shoulderRotation: random.normal(0, 15),
    elbowFlexion: random.uniform(3, 40),
  };
}

function reaching(random: RandomStream): Arm {
  return {
    shoulderPlane: random.uniform(-5, 45),
    shoulderElevation: random.uniform(45, 105),
    shoulderRotation: random.normal(10, 15),
    elbowFlexion: random.uniform(3, 50),
  };
}

function overhead(random: RandomStream): Arm {
  return {
    shoulderPlane: random.uniform(50, 95),
    shoulderElevation: random.uniform(120, 168),
    shoulderRotation: random.normal(0, 20),
    elbowFlexion: random.uniform(3, 70),
  };
}

function onHip(random: RandomStream): Arm {
  return {
    shoulderPlane: random.uniform(92, 115),
    shoulderElevation: random.uniform(38, 52),
    shoulderRotation: random.uniform(55, 75),
    elbowFlexion: random.uniform(85, 105),
  };
}

function waving(random: RandomStream): Arm {
  return {
    shoulderPlane: random.uniform(70, 95),
    shoulderElevation: random.uniform(60, 100),
    shoulderRotation: random.uniform(-85, -55),
    elbowFlexion: random.uniform(60, 115),
  };
}
