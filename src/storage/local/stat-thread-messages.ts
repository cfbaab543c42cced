/**
 * Entries of a folder to look at. The answer has four numbers for each: mode, size, and the times of its last change in
 * Unix milliseconds (content, anything). The mode is 0 where the system gave an error.
 */
export interface StatOrder {
  folder: string;
  names: readonly string[];
}

export const LOOK_NUMBERS = 4;
