/**
 * How far the clocks have come that stamp the rows of a GitLab, as far as rows prove it. The `Date` header comes from the
 * clock of a web server or a balancer, which may be another one.
 */
export interface RowClock {
  /** Notes the time of a row that came with an answer. A row that is dated later than the answer proves nothing. */
  readonly note: (moment: Date, answeredAt: Date) => void;
  /** Notes a time that rows have proven earlier. */
  readonly noteProven: (moment: Date) => void;
  /** The latest time of a row that was seen; null before the first row. */
  readonly newest: () => Date | null;
  /** By how much rows were dated later than their answers since this was last asked, at most. Milliseconds; 0 = no row was. */
  readonly takeAheadMs: () => number;
}

/** A row clock that has seen no row. */
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
