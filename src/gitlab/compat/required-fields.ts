/**
 * Fields without which what they stand in is of no use; a bare name is the field of every type. GitLab 16.2 and later have
 * them all. Any other may be missing: codegen.ts makes it nullable in the generated types, whatever GitLab's schema says.
 */
const required: ReadonlySet<string> = new Set([
  // Where things are found.
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
  // What a list is read to its end by.
  'nodes',
  'pageInfo',
  'hasNextPage',
  'endCursor',
  'count',
  // What things are told apart by.
  'id',
  'iid',
  'fullPath',
  'tagName',
  'title',
  'username',
  'path',
  'location',
  'ContainerRepository.name',
  // What rows are kept right by.
  'createdAt',
  'updatedAt',
  'state',
  'status',
  'ref',
  'targetBranch',
  // Why a list is empty.
  'userPermissions',
  'downloadCode',
  // What is added up.
  'additions',
  'deletions',
]);

/** Whether an object of this type is of no use without this field. */
export function isRequired(field: string, type?: string): boolean {
  return required.has(field) || required.has(`${type}.${field}`);
}
