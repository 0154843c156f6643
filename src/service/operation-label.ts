/** Segments of GitLab's REST paths that are followed by a name. */
const named = new Set(['commits', 'tags', 'projects', 'groups']);

/** The kind of a request, without ids and names: `GET projects/7/repository/commits/ab12` is `GET projects/:id/repository/commits/:name`. */
export function operationLabel(operation: string): string {
  const [method, path] = operation.split(' ', 2);
  if (path === undefined) return operation;
  const parts = path.split('/');
  const general = parts.map((part, index) => {
    if (/^\d+$/.test(part)) return ':id';
    return named.has(parts[index - 1] ?? '') ? ':name' : part;
  });
  return `${method} ${general.join('/')}`;
}
