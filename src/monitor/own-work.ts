/** The coordinator's own activities, in the words of an operator. */
const WORDS: Readonly<Record<string, string>> = {
  claimStorage: 'claiming the storage',
  releaseStorage: 'giving the storage free',
  surveyStorage: 'reading the storage',
  tidyStorage: 'tidying the storage',
  watchNode: 'watching the node',
  backUpUnit: 'waiting for a backup',
  awaitCompaction: 'compacting the metadata',
  lookAtCopy: 'looking at the second storage',
  awaitCopy: 'bringing the second storage in step',
};

/** What an activity of the coordinator does. Another version may have others. */
export function inOperatorWords(activity: string): string {
  return WORDS[activity] ?? activity;
}
