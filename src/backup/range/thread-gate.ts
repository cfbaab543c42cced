import { setMaxListeners } from 'node:events';
import { orAborted } from '../../lib/or-aborted.js';
import {
  GaveWay,
  type NodeGate,
  type NodeUse,
  type StreamSlot,
  slotLost,
} from '../../node/gate.js';

/**
 * The gate to a node is in the main thread, because all threads of a process share what the process may use. A thread
 * asks for each request, stream and part of a stream.
 */
export type GateQuestion =
  | { gate: 'pass'; use: NodeUse }
  | { gate: 'stream'; givesWay: boolean }
  /** Answered when the slot has ended. */
  | { gate: 'how ended'; slot: number }
  | { gate: 'end'; slot: number };
export type GateAnswer = number | HowEnded | 'done';
type HowEnded = 'given back' | 'gave way' | 'lost';

/** The gate, as a thread sees it. */
export function gateOfThread(
  ask: (question: GateQuestion) => Promise<GateAnswer>,
  address: string,
): NodeGate {
  const asked = (question: GateQuestion, signal?: AbortSignal) =>
    signal ? orAborted(ask(question), signal) : ask(question);
  return {
    async pass(use, signal) {
      await asked({ gate: 'pass', use }, signal);
    },
    async stream(signal, givesWay = false) {
      const slot = Number(await asked({ gate: 'stream', givesWay }, signal));
      const lost = new AbortController();
      const tell = (how: GateAnswer) => {
        if (how === 'gave way') lost.abort(new GaveWay());
        if (how === 'lost') lost.abort(slotLost(address));
      };
      ask({ gate: 'how ended', slot }).then(tell, () => undefined);
      const end = () => void ask({ gate: 'end', slot }).catch(() => undefined);
      return { lost: lost.signal, end };
    },
  };
}

/** Answers a thread in the main thread. `signal` ends all that it waits for. */
export class GateForThread {
  private readonly slots = new Map<number, { slot: StreamSlot; back: () => void }>();
  private readonly ends = new Map<number, Promise<HowEnded>>();
  private readonly gone = new AbortController();
  private readonly signal: AbortSignal;
  private last = 0;

  constructor(
    private readonly gate: NodeGate,
    signal: AbortSignal,
  ) {
    this.signal = AbortSignal.any([signal, this.gone.signal]);
    setMaxListeners(0, this.signal); // each question that waits listens to it
  }

  async answer(question: GateQuestion): Promise<GateAnswer> {
    switch (question.gate) {
      case 'pass':
        await this.gate.pass(question.use, this.signal);
        return 'done';
      case 'stream':
        return this.open(await this.gate.stream(this.signal, question.givesWay));
      case 'how ended':
        return this.ends.get(question.slot) ?? 'given back';
      case 'end':
        this.end(question.slot);
        return 'done';
    }
  }

  /** Gives back what the thread has open, and leaves every line: it has ended. */
  close(): void {
    this.gone.abort();
    for (const number of this.slots.keys()) this.end(number);
  }

  private open(slot: StreamSlot): number {
    const number = (this.last += 1);
    const ended = new Promise<HowEnded>((resolve) => {
      this.slots.set(number, { slot, back: () => resolve('given back') });
      const how = () => resolve(slot.lost.reason instanceof GaveWay ? 'gave way' : 'lost');
      slot.lost.addEventListener('abort', how);
      if (slot.lost.aborted) how(); // on the way to here
    });
    this.ends.set(number, ended);
    if (this.gone.signal.aborted) this.end(number); // its turn came while the thread ended
    return number;
  }

  private end(number: number): void {
    const held = this.slots.get(number);
    this.slots.delete(number);
    this.ends.delete(number);
    held?.slot.end();
    held?.back();
  }
}
