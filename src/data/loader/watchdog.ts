/** @file Ends the wait for a file system that never answers. */
import {UserError} from '../../errors.js';

/** A piece of work that can be seen getting on. */
export interface Watched {
  /** Changes as the work gets on; negative before it has begun. */
  readonly progress: () => number;
  /** What it is at, for the user. */
  readonly whereabouts: () => string;
}

/**
 * The result of the work, unless it stands still for so long.
 * @throws UserError of kind 'worker'
 */
export async function watched<T>(
  work: Promise<T>,
  timeoutSeconds: number,
  {progress, whereabouts}: Watched,
): Promise<T> {
  // Turns are counted, not time: a process that was stopped, or a loop that was busy, is no file system that hangs.
  const turn = Math.min(1, timeoutSeconds / 4);
  let last = progress();
  let idleTurns = 0;
  let timer: NodeJS.Timeout;
  const standstill = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const now = progress();
      idleTurns = now === last && now >= 0 ? idleTurns + 1 : 0;
      last = now;
      if (idleTurns * turn >= timeoutSeconds) reject(stalled(timeoutSeconds, whereabouts()));
    }, turn * 1000);
  });
  try {
    return await Promise.race([work, standstill]);
  } finally {
    clearInterval(timer!);
  }
}

function stalled(seconds: number, whereabouts: string): UserError {
  return new UserError(
    'worker',
    `${whereabouts} It has not got on for ${seconds} s: the disk or the network drive does not answer. Look after it, ` +
      'copy the images to a local disk, or set loader.timeoutSeconds higher.',
  );
}
