/**
 * The latest time of the clock that dates the rows of a GitLab, as the rows that were read prove it. The `Date` header is no
 * proof, because it comes from the clock of a web server or a load balancer.
 */
export interface RowClock {
  /** Notes the time of a row in an answer. Ignores a row that is dated later than its answer for `newest`. */
  readonly note: (moment: Date, answeredAt: Date) => void;
  /** Notes a time that earlier rows have proven, such as a stored watermark. */
  readonly noteProven: (moment: Date) => void;
  /** The latest proven time; null before the first row. */
  readonly newest: () => Date | null;
  /** The largest time, in milliseconds, by which a row was dated later than its answer since the last call; 0 when no row was. */
  readonly takeAheadMs: () => number;
}

/** Creates a row clock without a row. */
export function createRowClock(): RowClock {
  let newest: Date | null = null;
  let largestAheadMs = 0;
  const noteProven = (moment: Date) => {
    if (newest === null || moment > newest) newest = moment;
  };
  return {
    noteProven,
    note: (moment, answeredAt) => {
      const aheadMs = moment.getTime() - answeredAt.getTime();
      if (aheadMs <= 0) noteProven(moment);
      else largestAheadMs = Math.max(largestAheadMs, aheadMs);
    },
    newest: () => newest,
    takeAheadMs: () => {
      const taken = largestAheadMs;
      largestAheadMs = 0;
      return taken;
    },
  };
}
