import {createHash} from 'node:crypto';
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {diskOps, type FileOps, writeDurably, writeFileAtomic} from '../../src/checkpoint/files.js';
import {rejectionOf, systemError, temporaryFolder, userErrorOf, watchedOps} from './builders.js';

/** A disk whose n-th write takes only as many bytes as `limit` says. */
function limitedOps(limit: (call: number, offered: number) => number): FileOps {
  let call = 0;
  return {
    ...diskOps,
    create: async (path) => {
      const file = await diskOps.create(path);
      return {
        ...file,
        write: (data) => {
          const taken = limit(call++, data.length);
          return taken === 0 ? Promise.resolve(0) : file.write(data.subarray(0, taken));
        },
      };
    },
  };
}

const DATA = Uint8Array.from({length: 1000}, (_, i) => (i * 31) % 251);

describe('writing durably', () => {
  it('writes all parts in order and returns their length and hash', async () => {
    const path = join(temporaryFolder(), 'file');
    const digest = await writeDurably(path, [DATA.subarray(0, 10), DATA.subarray(10)]);
    expect(readFileSync(path).equals(DATA)).toBe(true);
    expect(digest).toEqual({bytes: 1000, sha256: createHash('sha256').update(DATA).digest('hex')});
  });

  it.each([
    ['one byte at a time', () => 1],
    ['half of what is offered', (_: number, offered: number) => Math.ceil(offered / 2)],
    ['nothing every second time', (call: number) => (call % 2 === 0 ? 0 : 100)],
  ])('writes the same file to a disk that takes %s', async (_, limit) => {
    const path = join(temporaryFolder(), 'file');
    await writeDurably(path, [DATA], limitedOps(limit));
    expect(readFileSync(path).equals(DATA)).toBe(true);
  });

  it('gives up on a disk that takes nothing twice in a row', async () => {
    const path = join(temporaryFolder(), 'file');
    const error = await userErrorOf(
      writeDurably(
        path,
        [DATA],
        limitedOps((call) => (call === 0 ? 10 : 0)),
      ),
    );
    expect(error.kind).toBe('storage');
    expect(error.message).toContain(`${path}: the disk accepts no more bytes`);
  });

  it('writes whatever is offered in whatever pieces the disk takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({maxLength: 50}), {maxLength: 5}),
        fc.infiniteStream(fc.integer({min: 1, max: 60})),
        async (parts, sizes) => {
          const path = join(temporaryFolder(), 'file');
          await writeDurably(
            path,
            parts,
            limitedOps(() => sizes.next().value),
          );
          expect(readFileSync(path).equals(Buffer.concat(parts))).toBe(true);
        },
      ),
      {numRuns: 30},
    );
  });

  it.each([
    ['ENOSPC', 'disk is full'],
    ['EDQUOT', 'quota'],
    ['EIO', 'check the disk'],
    ['EROFS', 'read-only'],
    ['EACCES', 'permission'],
    ['EFBIG', 'ulimit'],
    ['ESTALE', 'injected'],
  ])('turns %s into a storage error that names the file and the remedy', async (code, remedy) => {
    const path = join(temporaryFolder(), 'file');
    const ops = watchedOps((_, name) => {
      if (name === 'write') throw systemError(code);
    });
    const error = await userErrorOf(writeDurably(path, [DATA], ops));
    expect(error.kind).toBe('storage');
    expect(error.message).toContain(`${path}: could not be written (${code})`);
    expect(error.message).toContain(remedy);
  });

  it('fails when the flush fails, without a second flush', async () => {
    const calls: string[] = [];
    const ops = watchedOps((_, name) => {
      calls.push(name);
      if (name === 'sync') throw systemError('EIO');
    });
    const error = await userErrorOf(writeDurably(join(temporaryFolder(), 'file'), [DATA], ops));
    expect(error.kind).toBe('storage');
    expect(calls).toEqual(['create', 'write', 'sync', 'close']);
  });

  it('fails when only the close fails', async () => {
    const ops = watchedOps((_, name) => {
      if (name === 'close') throw systemError('EDQUOT');
    });
    expect((await userErrorOf(writeDurably(join(temporaryFolder(), 'f'), [DATA], ops))).kind).toBe('storage');
  });

  it('passes a bug on as it is', async () => {
    const ops = watchedOps(() => {
      throw new TypeError('a bug');
    });
    await expect(writeDurably(join(temporaryFolder(), 'file'), [DATA], ops)).rejects.toThrow(TypeError);
  });

  it('reports a really full disk', async () => {
    const fullDisk: FileOps = {
      ...diskOps,
      create: async () => {
        const handle = await open('/dev/full', 'w');
        return {
          write: async (data) => (await handle.write(data)).bytesWritten,
          sync: () => handle.sync(),
          close: () => handle.close(),
        };
      },
    };
    expect((await userErrorOf(writeDurably('/dev/full', [DATA], fullDisk))).message).toContain('ENOSPC');
  });
});

describe('replacing a small file', () => {
  it('leaves the old content or the new, and no other file, wherever it fails', async () => {
    const seen = new Set<string>();
    for (let failing = 0, complete = false; !complete; failing++) {
      const folder = temporaryFolder();
      const path = join(folder, 'pointer');
      writeFileSync(path, 'old');
      const ops = watchedOps((call) => {
        if (call === failing) throw systemError('EIO');
      });
      const error = await rejectionOf(writeFileAtomic(path, 'new', ops));
      complete = error === null;
      if (error !== null) expect(error).toMatchObject({name: 'UserError', kind: 'storage'});
      seen.add(readFileSync(path, 'utf8'));
      expect(readdirSync(folder)).toEqual(['pointer']);
    }
    expect([...seen].sort()).toEqual(['new', 'old']);
  });
});
