/** A node that is silent is noticed, also while others wait for our own limits; who waits for them is no silent node. */
import { expect, it } from 'vitest';
import { answerWithin } from '../../../src/coordinator/watch/lookout.js';
import { LimitedGate } from '../../../src/node/limited-gate.js';
import { until } from '../../support/until.js';

const gate = new LimitedGate('http://node', { short: () => undefined, spare: () => undefined });
gate.limit();

it('a silent node is noticed while another question waits at its gate', async () => {
  void gate.pass({ requests: 1 });
  const silent = () => new Promise<never>(() => undefined);
  const asked = answerWithin(50, 'http://node', silent);
  await expect(asked).rejects.toMatchObject({ code: 'NODE_TIMEOUT' });
});

it('a question that waits at the gate has its whole time when it is let through', async () => {
  let begun = false;
  let answered = false;
  const ask = async () => {
    begun = true;
    await gate.pass({ requests: 1 });
    return 'answer';
  };
  const asked = answerWithin(50, 'http://node', ask).then((answer) => {
    answered = true;
    return answer;
  });
  await until('it waits', () => begun);
  // Longer than the question may take.
  await expect(answerWithin(100, '', () => new Promise(() => undefined))).rejects.toThrow();
  expect(answered).toBe(false);
  gate.grant({}, performance.now() + 60_000);
  expect(await asked).toBe('answer');
});
