import {defineConfig} from 'vitest/config';

// Forked processes, one test file each: the native engine holds process-wide state (threads, allocator).
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
