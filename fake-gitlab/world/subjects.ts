import type { Subject } from './poison.ts';
import type { FakeProject } from './project.ts';
import type { FakeDeployment, FakeImageRepository, FakeJob, FakeMergeRequest, FakePipeline, FakeRelease } from './records.ts';
import type { FakeCommit } from './repository.ts';

/** The objects of a project, as faults name them. */
export function subjectOf({ id: projectId, fullPath }: FakeProject) {
  return {
    project: (): Subject => ({ type: 'project', projectId, id: projectId, name: fullPath }),
    mergeRequest: ({ id, iid }: FakeMergeRequest): Subject => ({ type: 'mergeRequest', projectId, id, iid }),
    pipeline: ({ id, iid }: FakePipeline): Subject => ({ type: 'pipeline', projectId, id, iid }),
    job: ({ id, name }: FakeJob): Subject => ({ type: 'job', projectId, id, name }),
    release: ({ id, tag }: FakeRelease): Subject => ({ type: 'release', projectId, id, name: tag }),
    containerRepository: ({ id, path }: FakeImageRepository): Subject => ({ type: 'containerRepository', projectId, id, name: path }),
    deployment: ({ id, iid }: FakeDeployment): Subject => ({ type: 'deployment', projectId, id, iid }),
    /** The id of the tag's repository. */
    tag: ({ id }: FakeImageRepository, name: string): Subject => ({ type: 'tag', projectId, id, name }),
    commit: ({ sha }: FakeCommit): Subject => ({ type: 'commit', projectId, name: sha }),
  };
}
