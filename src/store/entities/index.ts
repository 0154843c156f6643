import { ChangeEventVersionEntity } from './change-event-version.ts';
import { ChangeEventEntity } from './change-event.ts';
import { ConnectionEntity } from './connection.ts';
import { GitlabGapEntity } from './gitlab-gap.ts';
import { GitlabLandmarkEntity } from './gitlab-landmark.ts';
import { GitlabPassLockEntity } from './gitlab-pass-lock.ts';
import { GitlabPassEntity } from './gitlab-pass.ts';
import { GitlabProjectEntity } from './gitlab-project.ts';
import { GitlabRegistryTagEntity } from './gitlab-registry-tag.ts';
import { GitlabSharedTimesEntity } from './gitlab-shared-times.ts';
import { GitlabStreamStateEntity } from './gitlab-stream-state.ts';
import { GitlabUnlinkedEntity } from './gitlab-unlinked.ts';

/** Every entity of the connector, for `MikroORM.init({ entities })`. */
export const entities = [
  ConnectionEntity,
  ChangeEventEntity,
  ChangeEventVersionEntity,
  GitlabProjectEntity,
  GitlabStreamStateEntity,
  GitlabRegistryTagEntity,
  GitlabPassEntity,
  GitlabPassLockEntity,
  GitlabLandmarkEntity,
  GitlabGapEntity,
  GitlabUnlinkedEntity,
  GitlabSharedTimesEntity,
];
