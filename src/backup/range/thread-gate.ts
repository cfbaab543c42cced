import { orAborted } from '../../lib/or-aborted.js';
import { type NodeGate, type NodeUse, type StreamSlot, slotLost } from '../../node/gate.js';

/**
 * The gate to a node is in the main thread, because all threads of a process share what the process may use. A thread
 * asks for each request, stream and part of a stream.
 */
export type GateQuestion =
  | { gate: 'pass'; use: NodeUse }
  | { gate: 'stream' }
  /** Answered when the slot has ended: true if it was lost. */
  | { gate: 'lost'; slot: number }
  | { gate: 'end'; slot: number };
export type GateAnswer = number | boolean;

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
    async stream(signal) {
      const slot = Number(await asked({ gate: 'stream' }, signal));
      const lost = new AbortController();
      const tell = (isLost: GateAnswer) => isLost === true && lost.abort(slotLost(address));
      ask({ gate: 'lost', slot }).then(tell, () => undefined);
      const end = () => void ask({ gate: 'end', slot }).catch(() => undefined);
      return { lost: lost.signal, end };
    },
  };
}

/** Answers a thread in the main thread. `signal` ends all that it waits for. */
export class GateForThread {
  private readonly slots = new Map<number, { slot: StreamSlot; ended: (lost: boolean) => void }>();
  private readonly ends = new Map<number, Promise<boolean>>();
  private last = 0;

  constructor(
    private readonly gate: NodeGate,
    private readonly signal: AbortSignal,
  ) {}

  async answer(question: GateQuestion): Promise<GateAnswer> {
    switch (question.gate) {
      case 'pass':
        await this.gate.pass(question.use, this.signal);
        return true;
      case 'stream':
        return this.open(await this.gate.stream(this.signal));
      case 'lost':
        return this.ends.get(question.slot) ?? false;
      case 'end':
        this.end(question.slot);
        return true;
    }
  }

  /** Gives back what the thread has open: it has ended. */
  close(): void {
    for (const number of this.slots.keys()) this.end(number);
  }

  private open(slot: StreamSlot): number {
    const number = (this.last += 1);
    const ended = new Promise<boolean>((resolve) => {
      this.slots.set(number, { slot, ended: resolve });
      slot.lost.addEventListener('abort', () => resolve(true));
    });
    this.ends.set(number, ended);
    return number;
  }

  private end(number: number): void {
    const held = this.slots.get(number);
    this.slots.delete(number);
    this.ends.delete(number);
    held?.slot.end();
    held?.ended(false);
  }
}
