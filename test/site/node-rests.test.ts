/** Which of several nodes is used, and what counts against one. */
import { describe, expect, it } from 'vitest';
import { AptosDataError } from '../../src/aptos/index.js';
import type { NodeErrorCode } from '../../src/errors/catalogue.js';
import { BackupError } from '../../src/errors/backup-error.js';
import { type NodeFault, nodeFault } from '../../src/site/node-fault.js';
import { NodeRests } from '../../src/site/node-rests.js';
import { fromPlain, toPlain } from '../../src/lib/plain-error.js';
import { NodeError } from '../../src/node/node-error.js';
import { StorageError } from '../../src/storage/storage-error.js';

const NODES = ['http://a', 'http://b', 'http://c'];
const [A, B, C] = NODES as [string, string, string];
const trouble: NodeFault = { code: 'NODE_UNREACHABLE', lie: false, why: 'no connection' };
const lie: NodeFault = { code: 'NODE_LIED', lie: true, why: 'it fails its proof' };
const S = 1_000;
const MINUTE = 60 * S;

describe('the node that is used', () => {
  it('is the first that does not rest, and the first node again after its rest', () => {
    const rests = new NodeRests();
    expect(rests.pick(NODES, 0)).toBe(A);
    rests.failed(A, trouble, 0, 100);
    expect(rests.pick(NODES, 101)).toBe(B);
    rests.failed(B, trouble, 101, 200);
    expect(rests.pick(NODES, 201)).toBe(C);
    expect(rests.pick(NODES, 100 + 15 * S)).toBe(A);
    expect(rests.pick(NODES.slice(1), 100 + 15 * S)).toBe(C);
  });

  it('is the one whose rest ends first when all rest', () => {
    const rests = new NodeRests();
    rests.failed(A, lie, 0, 1);
    rests.failed(B, trouble, 0, 2);
    rests.failed(C, trouble, 0, 1);
    expect(rests.pick(NODES, 3)).toBe(C);
    expect(rests.resting(NODES, 3).map(({ node }) => node)).toEqual(NODES);
    expect(rests.isWell(C, 1 + 15 * S)).toBe(true);
  });

  it('rests twice as long after each failure, up to ten minutes, and longer after silence or a lie', () => {
    const lengths = (fault: typeof lie) => {
      const rests = new NodeRests();
      let now = 0;
      return Array.from({ length: 8 }, () => {
        const { at, until } = rests.failed(A, fault, now, now + 1);
        now = until;
        return (until - at) / S;
      });
    };
    const silence: NodeFault = { ...trouble, code: 'NODE_STALLED' };
    expect(lengths(silence)).toEqual([120, 240, 480, 600, 600, 600, 600, 600]);
    const rests = new NodeRests();
    rests.failed(A, trouble, 0, 1);
    const { at, until } = rests.failed(A, silence, 20 * S, 20 * S);
    expect(until - at).toBe(2 * MINUTE);
    expect(lengths(trouble)).toEqual([15, 30, 60, 120, 240, 480, 600, 600]);
    expect(lengths(lie)).toEqual([600, 1200, 2400, 4800, 7200, 7200, 7200, 7200]);
  });

  it('rests once for a failure of several requests, and longer if one of them met a lie', () => {
    const rests = new NodeRests();
    rests.failed(A, trouble, 0, 1_000);
    expect(rests.failed(A, trouble, 900, 1_100).until).toBe(1_000 + 15 * S);
    expect(rests.failed(A, lie, 900, 1_200).until).toBe(1_200 + 10 * MINUTE);
    expect(rests.failed(A, trouble, 900, 1_300)).toMatchObject({ lie: true });
    // A failure that took longer than the rest counts as a new one.
    const late = 1_200 + 11 * MINUTE;
    expect(rests.failed(A, trouble, 900, late).until).toBe(late + 15 * S);
  });

  it('rests no longer after a success that began after the failure', () => {
    const rests = new NodeRests();
    rests.failed(A, trouble, 0, 1_000);
    rests.succeeded(A, 900);
    expect(rests.isWell(A, 1_001)).toBe(false);
    rests.succeeded(A, 1_001);
    expect(rests.isWell(A, 1_002)).toBe(true);
    expect(rests.failed(A, trouble, 2_000, 2_000).until).toBe(2_000 + 15 * S);
  });

  it('rests when another process has recorded its failure', () => {
    const [here, there] = [new NodeRests(), new NodeRests()];
    here.failed(A, lie, 0, 1);
    there.failed(A, trouble, 0, 1);
    there.adopt(here.resting(NODES, 2));
    expect(there.pick(NODES, 60 * S)).toBe(B);
    there.adopt([{ ...trouble, node: A, at: 1, until: 2 }]);
    expect(there.isWell(A, 60 * S)).toBe(false);
  });
});

describe('the right errors count against a node:', () => {
  const node = (code: NodeErrorCode) => new NodeError(code, 'http://a/x', 'why', undefined);
  it.each([
    ['an error of its client', node('NODE_SHORT'), false],
    ['an error of its client that is not retryable', node('NODE_REFUSED'), false],
    ['two answers that do not fit', node('NODE_CONTRADICTED'), true],
    ['pruned', new BackupError('NODE_PRUNED', 'x'), false],
    ['behind', new BackupError('NODE_BEHIND', 'x'), false],
    ['a lie', new BackupError('NODE_LIED', 'x'), true],
    ['a form that this version does not know', new BackupError('UNSUPPORTED', 'x'), undefined],
    ['an unknown form in our own data', new AptosDataError('UNSUPPORTED', 'x'), undefined],
    ['no signatures', new BackupError('HISTORY_UNSIGNED', 'x'), false],
    ['another chain', new BackupError('CHAIN_MISMATCH', 'x'), true],
    ['data that cannot be decoded', new AptosDataError('BCS_INVALID', 'x'), true],
    ['nodes that disagree', new BackupError('NODES_DISAGREE', 'x'), undefined],
    ['a stored file', new AptosDataError('MANIFEST_INVALID', 'x'), undefined],
    ['a dead thread', new BackupError('THREAD_DIED', 'x'), undefined],
    ['the storage', new StorageError('STORAGE_FAILED', 'write', 'x'), undefined],
    ['our own mistake', new TypeError('x'), undefined],
  ])('%s', (_, error, lies) => {
    for (const one of [error, fromPlain(toPlain(error))]) expect(nodeFault(one)?.lie).toBe(lies);
  });
});
