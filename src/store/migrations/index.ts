import type { Constructor } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import { Initial } from './20261123000000-initial.ts';
import { Incremental } from './20261123120000-incremental.ts';
import { Passes } from './20261123180000-passes.ts';
import { Links } from './20261123200000-links.ts';
import { PassLocks } from './20261126000000-pass-locks.ts';
import { Coverage } from './20261126010000-coverage.ts';
import { Restores } from './20261126020000-restores.ts';
import { Gaps } from './20261127000000-gaps.ts';
import { TagPushes } from './20261127120000-tag-pushes.ts';
import { ChildPipelines } from './20261127130000-child-pipelines.ts';
import { Timeline } from './20261127140000-timeline.ts';
import { Layouts } from './20261128000000-layouts.ts';
import { LockHolders } from './20261128100000-lock-holders.ts';
import { Pruning } from './20261128110000-pruning.ts';
import { LinkQueue } from './20261128120000-link-queue.ts';
import { Deployments } from './20261128130000-deployments.ts';
import { SharedTimes } from './20261128140000-shared-times.ts';

/** Every migration, oldest first, for `MikroORM.init({ migrations: { migrationsList } })`. Append only. */
export const migrations: Constructor<Migration>[] = [
  Initial,
  Incremental,
  Passes,
  Links,
  PassLocks,
  Coverage,
  Restores,
  Gaps,
  TagPushes,
  ChildPipelines,
  Timeline,
  Layouts,
  LockHolders,
  Pruning,
  LinkQueue,
  Deployments,
  SharedTimes,
];
