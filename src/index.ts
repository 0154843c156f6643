export { auditGitlab } from './audit.ts';
export type { AuditEntry, AuditReport } from './audit.ts';
export { checkGitlab } from './check/check-gitlab.ts';
export type { CheckReport } from './check/check-gitlab.ts';
export type { CheckEntry } from './check/check.ts';
export { parseConfig, settings } from './config.ts';
export type { Config, SettingName } from './config.ts';
export type { GitlabConfig } from './config/gitlab-config.ts';
export type { SettingMeta } from './config/shape.ts';
export type { ConnectOptions, SyncFailure } from './connect.ts';
export {
  ConfigurationError,
  DataDirInUseError,
  DatabaseError,
  ForbiddenError,
  GitlabRequestError,
  GitlabSyncError,
  GraphqlError,
  InvalidResponseError,
  NotFoundError,
  RateLimitedError,
  ServerError,
  UnauthorizedError,
  UnreachableError,
  UnsupportedGitlabError,
} from './errors.ts';
export type { GraphqlErrorEntry } from './errors.ts';
export { estimateBackfill } from './estimate.ts';
export type { BackfillEstimate } from './estimate.ts';
export type { ChangeEvent, Json, JsonObject } from './events/change-event.ts';
export { createHosts } from './gitlab/hosts.ts';
export type { Hosts } from './gitlab/hosts.ts';
export type { Logger, LogMethod } from './log.ts';
export { planSync } from './plan/plan-sync.ts';
export type { PlanOptions, PlannedCost, SyncPlan } from './plan/plan-sync.ts';
export type { PlanStep } from './plan/steps.ts';
export type { Measure } from './plan/measured.ts';
export type { Problem, StreamCounts, SyncReport } from './pass/report.ts';
export type { SyncProgress } from './pass/run.ts';
export type { Outcome } from './progress.ts';
export type { GitlabAnswer } from './gitlab/fetch/with-answers.ts';
export { entities } from './store/entities/index.ts';
export { ChangeEventEntity } from './store/entities/change-event.ts';
export { ChangeEventVersionEntity } from './store/entities/change-event-version.ts';
export { ConnectionEntity } from './store/entities/connection.ts';
export { GitlabPassEntity } from './store/entities/gitlab-pass.ts';
export { GitlabProjectEntity } from './store/entities/gitlab-project.ts';
export { GitlabRegistryTagEntity } from './store/entities/gitlab-registry-tag.ts';
export { GitlabStreamStateEntity } from './store/entities/gitlab-stream-state.ts';
export { migrations } from './store/migrations/index.ts';
export { syncGitlab } from './sync.ts';
export type { SyncOptions } from './sync.ts';
export { version } from './version.ts';
