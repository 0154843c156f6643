import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** A time in SQL as ISO 8601 in UTC, to the millisecond or the microsecond. */
export const isoTime = (time: RawBuilder<unknown>, digits: 'MS' | 'US' = 'MS'): RawBuilder<string> =>
  sql<string>`to_char(${time} at time zone 'UTC', ${sql.lit(`YYYY-MM-DD"T"HH24:MI:SS.${digits}"Z"`)})`;
