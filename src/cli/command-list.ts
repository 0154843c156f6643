import type { Command } from 'commander';
import type { ExitCode, Io } from './io.ts';

/** Adds a command with its flags to the program. `end` takes the exit code. */
export type AddCommand = (program: Command, io: Io, end: (code: ExitCode) => void) => void;

/** A command as `--help` lists it, and how to load it. */
export interface ListedCommand {
  /** The name, and `[options]` where the command has flags. */
  readonly usage: string;
  /** The same text as in the command's own module. */
  readonly summary: string;
  readonly load: () => Promise<AddCommand>;
}

/** Every command, in the order of `--help`. */
export const commands: readonly ListedCommand[] = [
  {
    usage: 'sync [options]',
    summary: 'read what changed in GitLab into the database, once',
    load: async () => (await import('./commands/sync.ts')).addSync,
  },
  {
    usage: 'poll [options]',
    summary: 'sync at an interval, as a service',
    load: async () => (await import('./commands/poll.ts')).addPoll,
  },
  {
    usage: 'backfill [options]',
    summary: 'read history that is older than the stored events',
    load: async () => (await import('./commands/backfill.ts')).addBackfill,
  },
  {
    usage: 'audit [options]',
    summary: 'compare the table with what GitLab has, row by row',
    load: async () => (await import('./commands/audit.ts')).addAudit,
  },
  {
    usage: 'check [options]',
    summary: 'check that a sync would work, and how to fix what would not',
    load: async () => (await import('./commands/check.ts')).addCheck,
  },
  {
    usage: 'plan [options]',
    summary: 'show what the next sync would do, without doing it',
    load: async () => (await import('./commands/plan.ts')).addPlan,
  },
  {
    usage: 'migrate [options]',
    summary: 'create the tables, or migrate them',
    load: async () => (await import('./commands/migrate.ts')).addMigrate,
  },
  {
    usage: 'prune [options]',
    summary: 'delete old history',
    load: async () => (await import('./commands/prune.ts')).addPrune,
  },
  {
    usage: 'events [options]',
    summary: 'list stored events',
    load: async () => (await import('./commands/events.ts')).addEvents,
  },
  {
    usage: 'timeline [options]',
    summary: 'show what changed in a window of time',
    load: async () => (await import('./commands/timeline.ts')).addTimeline,
  },
  {
    usage: 'demo',
    summary: 'see the connector work, with its own small GitLab and its own database',
    load: async () => (await import('./commands/demo.ts')).addDemo,
  },
];
