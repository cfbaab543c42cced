/** Which of several nodes is asked, and what counts against one. */
import { describe, expect, it } from 'vitest';
import { AptosDataError } from '../../src/aptos/errors.js';
import { BackupError } from '../../src/backup/errors.js';
import { nodeFault } from '../../src/backup/node-fault.js';
import { NodeRests } from '../../src/backup/node-rests.js';
import { fromPlain, toPlain } from '../../src/backup/thread/messages.js';
import { NodeError } from '../../src/node/errors.js';
import { StorageError } from '../../src/storage/errors.js';

const NODES = ['http://a', 'http://b', 'http://c'];
const [A, B, C] = NODES as [string, string, string];
const trouble = { code: 'NODE_UNREACHABLE', lie: false, why: 'no connection' };
const lie = { code: 'NODE_LIED', lie: true, why: 'it fails its proof' };
const S = 1_000;
const MINUTE = 60 * S;

describe('the node that is asked', () => {
  it('is the first that is well, and the first again when its rest is over', () => {
    const rests = new NodeRests();
    expect(rests.pick(NODES, 0)).toBe(A);
    rests.failed(A, trouble, 0, 100);
    expect(rests.pick(NODES, 101)).toBe(B);
    rests.failed(B, trouble, 101, 200);
    expect(rests.pick(NODES, 201)).toBe(C);
    expect(rests.pick(NODES, 100 + 15 * S)).toBe(A);
    expect(rests.pick(NODES.slice(1), 100 + 15 * S)).toBe(C);
  });

  it('is the one that rested enough soonest when all rest', () => {
    const rests = new NodeRests();
    rests.failed(A, lie, 0, 1);
    rests.failed(B, trouble, 0, 2);
    rests.failed(C, trouble, 0, 1);
    expect(rests.pick(NODES, 3)).toBe(C);
    expect(rests.resting(NODES, 3).map(({ node }) => node)).toEqual(NODES);
    expect(rests.isWell(C, 1 + 15 * S)).toBe(true);
  });

  it('rests twice as long each time, up to ten minutes, and longer after silence or a lie', () => {
    const lengths = (fault: typeof lie) => {
      const rests = new NodeRests();
      let now = 0;
      return Array.from({ length: 8 }, () => {
        const { at, until } = rests.failed(A, fault, now, now + 1);
        now = until;
        return (until - at) / S;
      });
    };
    const silence = { ...trouble, code: 'NODE_STALLED' };
    expect(lengths(silence)).toEqual([120, 240, 480, 600, 600, 600, 600, 600]);
    const rests = new NodeRests();
    rests.failed(A, trouble, 0, 1);
    const { at, until } = rests.failed(A, silence, 20 * S, 20 * S);
    expect(until - at).toBe(2 * MINUTE);
    expect(lengths(trouble)).toEqual([15, 30, 60, 120, 240, 480, 600, 600]);
    expect(lengths(lie)).toEqual([600, 1200, 2400, 4800, 7200, 7200, 7200, 7200]);
  });

  it('rests once for what several requests met together, and longer when one of them was a lie', () => {
    const rests = new NodeRests();
    rests.failed(A, trouble, 0, 1_000);
    expect(rests.failed(A, trouble, 900, 1_100).until).toBe(1_000 + 15 * S);
    expect(rests.failed(A, lie, 900, 1_200).until).toBe(1_200 + 10 * MINUTE);
    expect(rests.failed(A, trouble, 900, 1_300)).toMatchObject({ lie: true });
    // One that took so long that the rest is over meanwhile is news.
    const late = 1_200 + 11 * MINUTE;
    expect(rests.failed(A, trouble, 900, late).until).toBe(late + 15 * S);
  });

  it('begins anew after a success, if that was begun after the failure', () => {
    const rests = new NodeRests();
    rests.failed(A, trouble, 0, 1_000);
    rests.succeeded(A, 900);
    expect(rests.isWell(A, 1_001)).toBe(false);
    rests.succeeded(A, 1_001);
    expect(rests.isWell(A, 1_002)).toBe(true);
    expect(rests.failed(A, trouble, 2_000, 2_000).until).toBe(2_000 + 15 * S);
  });

  it('is known to rest from another process', () => {
    const [here, there] = [new NodeRests(), new NodeRests()];
    here.failed(A, lie, 0, 1);
    there.failed(A, trouble, 0, 1);
    there.adopt(here.resting(NODES, 2));
    expect(there.pick(NODES, 60 * S)).toBe(B);
    there.adopt([{ ...trouble, node: A, at: 1, until: 2 }]);
    expect(there.isWell(A, 60 * S)).toBe(false);
  });
});

describe('what counts against a node', () => {
  const node = (code: 'NODE_HTTP_STATUS' | 'NODE_SHORT' | 'NODE_CONTRADICTED', retryable = true) =>
    new NodeError(code, 'http://a/x', 'why', retryable, undefined);
  it.each([
    ['an error of its client', node('NODE_SHORT'), false],
    ['also one that no retry helps against', node('NODE_HTTP_STATUS', false), false],
    ['two answers that do not fit', node('NODE_CONTRADICTED'), true],
    ['pruned', new BackupError('NODE_PRUNED', 'x', true), false],
    ['behind', new BackupError('NODE_BEHIND', 'x', true), false],
    ['a lie', new BackupError('NODE_LIED', 'x', true), true],
    ['a form that this version does not know', new BackupError('UNSUPPORTED', 'x', true), false],
    ['the same in what is planned', new AptosDataError('UNSUPPORTED', 'x'), false],
    ['no signatures', new BackupError('HISTORY_UNSIGNED', 'x', true), true],
    ['another chain', new BackupError('CHAIN_MISMATCH', 'x', true), true],
    ['data that is none', new AptosDataError('BCS_INVALID', 'x'), true],
    ['nodes that disagree', new BackupError('CHAIN_MISMATCH', 'x', false), undefined],
    ['a stored file', new AptosDataError('MANIFEST_INVALID', 'x'), undefined],
    ['a dead thread', new BackupError('THREAD_DIED', 'x', true), undefined],
    ['the storage', new StorageError('STORAGE_FAILED', 'write', 'x', true), undefined],
    ['our own mistake', new TypeError('x'), undefined],
  ])('%s', (_, error, lies) => {
    for (const one of [error, fromPlain(toPlain(error))]) expect(nodeFault(one)?.lie).toBe(lies);
  });
});
