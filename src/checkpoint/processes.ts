/** @file Whether another process still lives, also when its number has been given to a new one. */
import {readFile} from 'node:fs/promises';
import {systemErrorCode} from './files.js';

/** Whether some process has this id now. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return systemErrorCode(error) !== 'ESRCH';
  }
}

/**
 * What tells a process from an earlier or later one of the same id: the boot, and the clock tick of its start.
 * @returns null where the system does not tell (it is Linux's /proc that does)
 */
export async function processBirth(pid: number): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The second field, the program's name in parentheses, may hold anything; starttime is the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot.trim()}/${fields[19]}`;
  } catch {
    return null;
  }
}
