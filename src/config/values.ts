/** @file Values that many keys of a configuration take. */
import {z} from 'zod';

export const path = z.string().min(1);
export const fraction = z.number().min(0).max(1);
export const count = z.number().int().nonnegative();
export const positive = z.number().int().positive();
