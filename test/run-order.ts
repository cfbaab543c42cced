import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Their tests take minutes, and keep every core busy. */
const LONG = /\/test\/chaos\/(?:short|bad-node|outages)\.test\.ts$/;

/**
 * Long files start apart from each other, because side by side they starve each other, and early, because
 * the last one would run alone. Files that share a process stay together, at the end.
 */
export default class RunOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const long = sorted.filter(({ moduleId }) => LONG.test(moduleId));
    const others = sorted.filter((file) => !long.includes(file));
    const isShared = ({ project }: TestSpecification) => !project.config.isolate;
    const whole = others.filter((file) => !isShared(file));
    const apart = Math.ceil(whole.length / (2 * Math.max(1, long.length)));
    for (const [i, file] of long.entries()) whole.splice(i * apart, 0, file);
    const shared = others.filter(isShared);
    const names = [...new Set(shared.map(({ project }) => project.name))];
    return [
      ...whole,
      ...names.flatMap((name) => shared.filter(({ project }) => project.name === name)),
    ];
  }
}
