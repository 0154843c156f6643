import { Option } from 'commander';
import type { Command } from 'commander';
import type { Config } from '../../config/parse-config.ts';
import { ConfigurationError } from '../../errors.ts';
import { readEvents, readHistory } from '../../store/events/read-events.ts';
import { streams } from '../../streams/index.ts';
import { eventTable } from '../event-table.ts';
import { historyTable } from '../history-table.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { jsonText } from '../json-text.ts';
import { parseLimit } from '../limit.ts';
import { refuseMissing } from '../missing-database.ts';
import { addSettings, configOf, databaseSettings } from '../settings.ts';
import { parseSince } from '../since.ts';
import { widthOf } from '../table.ts';
import { withDatabase } from '../with-database.ts';

interface EventsFlags extends Record<string, unknown> {
  readonly type?: string;
  readonly project?: string;
  readonly since?: string;
  readonly status?: string;
  readonly limit: string;
  readonly history?: string;
  readonly json?: true;
}

/** `gitlab-connector events`: lists stored events. */
export function addEvents(program: Command, io: Io, end: (code: ExitCode) => void): void {
  const types = streams.map(({ type }) => type.toLowerCase());
  addSettings(
    program
      .command('events')
      .summary('list stored events')
      .description('Lists stored events, the latest first.')
      .addOption(new Option('--type <type>', 'only events of this type').choices(types))
      .option('--project <path>', 'only events of this project, or of the projects of this group')
      .option('--since <when>', 'only events from this moment on: 2026-11-23, 2026-11-23T08:00:00Z, or 90m, 12h, 7d ago')
      .option('--status <status>', 'only events in this status, such as opened, merged or failed')
      .option('--limit <count>', 'at most this many events', '50')
      .option('--history <id>', 'every version of the event with this id, instead of the list')
      .option('--json', 'print a JSON array instead of a table'),
    [...databaseSettings, 'connectionId'],
  ).action(async ({ type, project, since, status, limit, history, json, ...flags }: EventsFlags) => {
    const config = configOf(flags, io);
    const filter = {
      connectionId: config.connectionId,
      type: streams.find((stream) => stream.type.toLowerCase() === type)?.type,
      project,
      status,
      since: since === undefined ? undefined : parseSince(since, '--since'),
      limit: parseLimit(limit),
    };
    refuseMissing(config);
    if (history !== undefined) {
      end(await showHistory(config, { eventId: history, json: json === true, io }));
      return;
    }
    const events = await withDatabase(config, ({ em }) => readEvents(em, filter));
    if (json) io.out.write(jsonText(events));
    else io.out.write(events.length === 0 ? 'No events\n' : eventTable(events, widthOf(io.out)));
    end(exitCodes.ok);
  });
}

interface HistoryQuery {
  readonly eventId: string;
  readonly json: boolean;
  readonly io: Io;
}

async function showHistory(config: Config, { eventId, json, io }: HistoryQuery): Promise<ExitCode> {
  const { connectionId } = config;
  const versions = await withDatabase(config, ({ em }) => readHistory(em, { connectionId, eventId }));
  if (!versions)
    throw new ConfigurationError([`there is no event ${JSON.stringify(eventId)}: \`gitlab-connector events --json\` shows the ids`]);
  if (json) io.out.write(jsonText(versions));
  else
    io.out.write(
      versions.length === 0
        ? 'No versions yet: the next change of this event is stored as its first version\n'
        : historyTable(versions, widthOf(io.out)),
    );
  return exitCodes.ok;
}
