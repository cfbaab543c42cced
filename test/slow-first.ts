import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Their tests wait for processes to die, for pauses and for timeouts. */
const SLOW = /\/test\/(?:e2e|chaos|cli|client|temporal|temporal-server)\//;

/** Starts with the slow files. A slow file that starts last would run alone at the end. */
export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
