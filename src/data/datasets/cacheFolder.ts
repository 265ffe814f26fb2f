/** @file Where things are kept that can be made again at any time. */
import {homedir} from 'node:os';
import {join} from 'node:path';

/** `$POSECRAFT_CACHE`, else `posecraft` in the operating system's folder for caches. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.POSECRAFT_CACHE || join(systemCache(environment), 'posecraft');
}

function systemCache(environment: NodeJS.ProcessEnv): string {
  if (process.platform === 'win32') return environment.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return environment.XDG_CACHE_HOME || join(homedir(), '.cache');
}
