/** A kept answer. Short, because heartbeats carry it. */
type Answer = number | string | true;

export interface Answers {
  node: string;
  answers: Record<string, Answer>;
}

/** More than any plan asks for. */
const MOST_ANSWERS = 32;

/** The answers of one node to earlier attempts of a plan, so that the next attempt need not ask again. */
export class Learnt {
  private constructor(readonly kept: Answers) {}

  /** Takes over the answers of earlier attempts, if they asked the same node. */
  static from(node: string, earlier?: Answers): Learnt {
    const known = earlier?.node === node ? earlier.answers : {};
    return new Learnt({ node, answers: { ...known } });
  }

  get size(): number {
    return Object.keys(this.kept.answers).length;
  }

  /** The kept answer, or else the answer of `ask`. */
  async once<T extends Answer>(question: string, ask: () => Promise<T>): Promise<T> {
    const { answers } = this.kept;
    const known = answers[question];
    if (known !== undefined) return known as T;
    const answer = await ask();
    if (this.size < MOST_ANSWERS) answers[question] = answer;
    return answer;
  }
}
