/** @file What this machine's processor can do in hardware. */
import {existsSync, readFileSync} from 'node:fs';

const CPU_FACTS = '/proc/cpuinfo';

/**
 * Whether the processor multiplies bfloat16 in hardware (AVX-512 BF16, AMX, or ARM's BF16): without, libtorch emulates
 * it, which is slower than float32. Taken to be so where the system does not tell.
 */
export function hasBfloat16(facts = existsSync(CPU_FACTS) ? readFileSync(CPU_FACTS, 'utf8') : null): boolean {
  return facts === null || /\b(avx512_bf16|amx_bf16|bf16)\b/.test(facts);
}
