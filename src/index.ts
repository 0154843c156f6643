export { auditGitlab } from './operations/audit/audit.ts';
export type { AuditReport } from './operations/audit/audit.ts';
export type { AuditEntry, AuditRows } from './operations/audit/compare.ts';
export { planAudit } from './operations/audit/plan-audit.ts';
export type { AuditPlan, AuditStep } from './operations/audit/plan-audit.ts';
export { checkGitlab } from './operations/check/check-gitlab.ts';
export type { CheckReport } from './operations/check/check-gitlab.ts';
export type { CheckEntry } from './operations/check/check.ts';
export { parseConfig, settings } from './config/parse-config.ts';
export type { Config, SettingName } from './config/parse-config.ts';
export type { GitlabConfig, StoredConfig } from './config/gitlab-config.ts';
export type { SettingMeta } from './config/setting.ts';
export type { ConnectOptions, SyncFailure } from './operations/connect.ts';
export {
  ConfigurationError,
  DataDirInUseError,
  DatabaseError,
  ForbiddenError,
  GitlabRequestError,
  GitlabSyncError,
  GraphqlError,
  InvalidResponseError,
  LostLockError,
  RowRefusedError,
  NotFoundError,
  RateLimitedError,
  ResponseTooLargeError,
  ServerError,
  UnauthorizedError,
  UnreachableError,
  UnsupportedGitlabError,
} from './errors.ts';
export type { ErrorCode, GraphqlErrorEntry } from './errors.ts';
export { estimateBackfill } from './operations/estimate.ts';
export type { BackfillEstimate } from './operations/estimate.ts';
export type { ChangeEvent, Json, JsonObject } from './events/change-event.ts';
export { createHostStates } from './gitlab/limits/host-state.ts';
export type { HostStates } from './gitlab/limits/host-state.ts';
export type { Logger, LogMethod } from './log.ts';
export { planSync } from './operations/plan/plan-sync.ts';
export type { PlanOptions, PlannedCost, SyncPlan } from './operations/plan/plan-sync.ts';
export type { PlanStep } from './operations/plan/steps.ts';
export type { Measure } from './operations/plan/measure.ts';
export type { Problem, StreamCounts, SyncReport } from './pass/report.ts';
export type { SyncProgress } from './pass/pass-state.ts';
export type { Outcome } from './walk-state.ts';
export type { GitlabAnswer } from './gitlab/http/with-answers.ts';
export { entities } from './store/entities/index.ts';
export { ChangeEventEntity } from './store/entities/change-event.ts';
export { ChangeEventVersionEntity } from './store/entities/change-event-version.ts';
export { ConnectionEntity } from './store/entities/connection.ts';
export { GitlabGapEntity } from './store/entities/gitlab-gap.ts';
export { GitlabLandmarkEntity } from './store/entities/gitlab-landmark.ts';
export { GitlabPassLockEntity } from './store/entities/gitlab-pass-lock.ts';
export { GitlabPassEntity } from './store/entities/gitlab-pass.ts';
export { GitlabProjectEntity } from './store/entities/gitlab-project.ts';
export { GitlabRegistryTagEntity } from './store/entities/gitlab-registry-tag.ts';
export { GitlabStreamStateEntity } from './store/entities/gitlab-stream-state.ts';
export { GitlabSharedTimesEntity } from './store/entities/gitlab-shared-times.ts';
export { GitlabUnlinkedEntity } from './store/entities/gitlab-unlinked.ts';
export { countTimeline, readTimeline } from './store/events/read-timeline.ts';
export type { TimelineChange, TimelineFilter, TimelinePage, TimelineQuery } from './store/events/read-timeline.ts';
export { readEvents, readHistory } from './store/events/read-events.ts';
export type { EventFilter, EventKey, EventVersion, EventsPage, StoredEvent } from './store/events/read-events.ts';
export type { EventConditions } from './store/events/event-conditions.ts';
export { readCoverage } from './store/progress/read-coverage.ts';
export type { CoverageEntry, CoverageQuery } from './store/progress/read-coverage.ts';
export { migrations } from './store/migrations/index.ts';
export { prune } from './operations/prune.ts';
export type { PruneOptions } from './operations/prune.ts';
export type { Pruned } from './store/events/prune-events.ts';
export { syncGitlab } from './operations/sync.ts';
export type { SyncOptions } from './operations/sync.ts';
export { version } from './version.ts';
