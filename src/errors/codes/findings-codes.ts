/** What a verification says of an object of the storage. */
export const FINDINGS = {
  DAMAGED: {
    meaning: 'The object is not what was written, or fails its proof.',
    whatToDo: 'Put it back from a copy, or back it up again.',
  },
  MISSING: {
    meaning: 'A backup names the object, but it is missing.',
    whatToDo: 'Put it back from a copy, or back it up again.',
  },
  UNPROVEN: {
    meaning: 'The object is whole as far as it can be read, but nothing proves it.',
    whatToDo: 'Read why: a newer form, a missing epoch ending, or unsigned history.',
  },
  METADATA: {
    meaning:
      'A metadata line is wrong, or names data that its backup does not hold. Or something in `metadata/` is no metadata.',
    whatToDo: 'Move it out of `metadata/`, and back up what it named again.',
  },
  OVERLAP: {
    meaning: 'Two backups hold the same versions or epochs, so the stock tool restores nothing.',
    whatToDo:
      'Read why: the next consolidation retires small backups beside a full one. Else move the metadata file of one of the two away.',
  },
} as const;

export type FindingCode = keyof typeof FINDINGS;
