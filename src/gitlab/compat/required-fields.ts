/**
 * Fields without which the object around them is useless. A name without a type is the field of every type. GitLab 16.2 and
 * later have all of them, but those of tags, which REST has as well. Any other field may be missing: codegen.ts makes it nullable in the generated types, whatever
 * GitLab's schema says.
 */
const required: ReadonlySet<string> = new Set([
  // Lists and objects that the connector reads.
  'projects',
  'project',
  'group',
  'mergeRequests',
  'mergeRequest',
  'pipelines',
  'pipeline',
  'releases',
  'release',
  'containerRepositories',
  'environments',
  'environment',
  'lastDeployment',
  'deployments',
  'deployment',
  // Needed for reading a list to its end.
  'nodes',
  'pageInfo',
  'hasNextPage',
  'endCursor',
  'count',
  // Identity of an object.
  'id',
  'iid',
  'fullPath',
  'tagName',
  'title',
  'username',
  'path',
  'location',
  'ContainerRepository.name',
  'ContainerRepositoryTag.name',
  // Half of a tag is no tag.
  'ContainerRepositoryTag.digest',
  'ContainerRepositoryTag.publishedAt',
  'ContainerRepositoryTag.revision',
  'ContainerRepositoryTag.totalSize',
  'Environment.name',
  // Needed for correct rows and watermarks.
  'createdAt',
  'updatedAt',
  'Deployment.finishedAt',
  'state',
  'status',
  'ref',
  'targetBranch',
  // Shows why a list is empty.
  'userPermissions',
  'downloadCode',
  // Added up over the files of a merge request.
  'additions',
  'deletions',
]);

/** Whether an object of this type is useless without this field. */
export function isRequired(field: string, type?: string): boolean {
  return required.has(field) || required.has(`${type}.${field}`);
}
