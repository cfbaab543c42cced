import type { PlainError } from '../plain-error.js';

/** What the main thread says to a thread that does jobs, one at a time. Plain data only. */
export type ToThread<Order, Answer> =
  | { kind: 'run'; order: Order }
  | { kind: 'cancel' }
  | { kind: 'answer'; id: number; answer: Answer }
  | { kind: 'no answer'; id: number; error: PlainError };

/** What the thread says: progress twice a second, questions, and how its job ended. */
export type FromThread<Progress, Question, Result> =
  | { kind: 'progress'; progress: Progress }
  | { kind: 'question'; id: number; question: Question }
  | { kind: 'done'; result: Result }
  | { kind: 'failed'; error: PlainError };
