import { Option } from 'commander';
import type { Command } from 'commander';
import type { Config } from '../../config/parse-config.ts';
import { ConfigurationError } from '../../errors.ts';
import type { EventFilter, StoredEvent } from '../../store/events/read-events.ts';
import type { Reads } from '../../store/reads.ts';
import { csvText } from '../../timeline/csv-text.ts';
import { momentHelp } from '../../timeline/moments.ts';
import { coverageText } from '../coverage-text.ts';
import { eventTable } from '../event-table.ts';
import { firstRows } from '../first-rows.ts';
import { addFilters, filterOf, refuseUnknown } from '../filters.ts';
import type { FilterFlags } from '../filters.ts';
import { historyTable } from '../history-table.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { jsonLine, jsonText } from '../json-text.ts';
import { countText, parseLimit } from '../limit.ts';
import { refuseMissing } from '../missing-database.ts';
import { parseMomentFlag } from '../moment-flag.ts';
import { addSettings, databaseConfigOf, databaseSettings } from '../settings.ts';
import { widthOf } from '../table.ts';
import { addZone, zoneOf } from '../window.ts';
import type { ShownZone, ZoneFlags } from '../window.ts';
import { withReads } from '../with-reads.ts';

interface EventsFlags extends FilterFlags, ZoneFlags {
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
  readonly all?: true;
  readonly history?: string;
  readonly json?: true;
  readonly ndjson?: true;
  readonly csv?: true;
}

/** `gitlab-connector events`: lists stored events. */
export function addEvents(program: Command, io: Io, end: (code: ExitCode) => void): void {
  const command = program
    .command('events')
    .summary('list stored events')
    .description('Lists stored events by their last update, the latest first: states, not changes, which `timeline` shows.')
    .option('--since <when>', `only events from this moment on: ${momentHelp}`)
    .option('--until <when>', 'only events before this moment');
  addZone(addFilters(command))
    .option('--limit <count>', 'at most this many events', '50')
    .option('--all', 'every event')
    .option('--history <id>', 'every version of the event with this id, instead of the list')
    .addOption(new Option('--json', 'print a JSON array instead of a table').conflicts(['ndjson', 'csv']))
    .addOption(new Option('--ndjson', 'print a JSON object a line').conflicts('csv'))
    .option('--csv', 'print comma-separated values, with a line of names first');
  addSettings(command, [...databaseSettings, 'connectionId']).action(async (flags: EventsFlags) => {
    const config = databaseConfigOf(flags, io);
    const zone = zoneOf(flags, io);
    const momentOf = (flag: 'since' | 'until') => {
      const text = flags[flag];
      return text === undefined ? undefined : parseMomentFlag(text, `--${flag}`, zone.zone);
    };
    const moments = { since: momentOf('since'), until: momentOf('until') };
    const most = flags.all ? Number.POSITIVE_INFINITY : parseLimit(flags.limit);
    refuseMissing(config);
    if (flags.history !== undefined) {
      end(await showHistory(config, { eventId: flags.history, json: flags.json === true, io, zone }));
      return;
    }
    await withReads(config, async (reads) => {
      const filter = { ...(await filterOf(reads, flags, config.connectionId)), ...moments };
      const events = await firstEvents(reads, filter, most);
      if (events.length === 0) await refuseUnknown(reads, flags);
      if (flags.json) {
        io.out.write(jsonText(events));
        return;
      }
      if (flags.ndjson) for (const event of events) io.out.write(jsonLine(event));
      else if (flags.csv) io.out.write(csvText([csvColumns, ...events.map(csvRow)]));
      else if (events.length > 0) io.out.write(eventTable(events, widthOf(io.out), { zone, connections: await reads.readConnections() }));
      // Programs read the output of these formats.
      const notes = flags.ndjson || flags.csv ? io.err : io.out;
      const count = events.length < most ? events.length : await reads.countStored(filter);
      notes.write(events.length === 0 ? 'No events\n' : countText(events.length, count, 'event'));
      const window = { from: filter.since, to: filter.until };
      notes.write(coverageText(await reads.readCoverage(filter), { ...window, zone, width: widthOf(notes) }));
    });
    end(exitCodes.ok);
  });
}

const firstEvents = (reads: Reads, filter: EventFilter, count: number): Promise<StoredEvent[]> =>
  firstRows(count, async (limit, after) => {
    const { events: rows, next } = await reads.readEvents({ ...filter, after, limit });
    return { rows, next };
  });

const csvColumns = ['timestamp', 'event_id', 'title', 'author', 'status', 'project', 'url', 'connection_id', 'stored_at'] as const;

const csvRow = ({ timestamp, eventId, title, author, status, metadata, url, connectionId, storedAt }: StoredEvent) => [
  timestamp,
  eventId,
  title,
  author,
  status,
  typeof metadata?.['project'] === 'string' ? metadata['project'] : null,
  url,
  connectionId,
  storedAt,
];

interface HistoryQuery {
  readonly eventId: string;
  readonly json: boolean;
  readonly io: Io;
  readonly zone: ShownZone;
}

async function showHistory(config: Config, { eventId, json, io, zone }: HistoryQuery): Promise<ExitCode> {
  const { connectionId } = config;
  const versions = await withReads(config, (reads) => reads.readHistory({ connectionId, eventId }));
  if (!versions)
    throw new ConfigurationError([`there is no event ${JSON.stringify(eventId)}: \`gitlab-connector events --json\` shows the ids`]);
  if (json) io.out.write(jsonText(versions));
  else
    io.out.write(
      versions.length === 0
        ? 'No versions yet: the next change of this event is stored as its first version\n'
        : historyTable(versions, widthOf(io.out), zone),
    );
  return exitCodes.ok;
}
