/**
 * How far the clocks have come that stamp the rows of a GitLab, as far as rows prove it. The `Date` header comes from the
 * clock of a web server or a balancer, which may be another one.
 */
export interface RowClock {
  /** Notes the time of a row that was seen. */
  readonly note: (moment: Date) => void;
  /** The latest time of a row that was seen; null before the first row. */
  readonly newest: () => Date | null;
}

/** A row clock that has seen no row. */
export function createRowClock(): RowClock {
  let newest: Date | null = null;
  return {
    note: (moment) => {
      if (newest === null || moment > newest) newest = moment;
    },
    newest: () => newest,
  };
}
