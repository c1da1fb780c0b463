import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Tests of running processes, which mostly wait: for blocks, windows, polls. */
const WAITING = /\/test\/(e2e|faults)\/|\/(oracle-node\/src\/(bin|queue|result)|challenger\/src\/service)\//;

/** Begins with the tests that wait, so that those that compute fill the time in which they do. */
export default class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const waits = ({ moduleId }: TestSpecification) => WAITING.test(moduleId);
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))];
  }
}
