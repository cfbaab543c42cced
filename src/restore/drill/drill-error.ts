import { CodedError } from '../../errors/coded-error.js';

/** Why a stock tool could not be run at all. */
export class DrillError extends CodedError<
  'STOCK_TOOL_UNUSABLE' | 'DRILL_NO_ROOM' | 'DRILL_SCRATCH_TAKEN'
> {
  override readonly name = 'DrillError';
}
