/**
 * The id of the project that a hook is about; null when it is about none. Undefined when the body is no JSON object. Most hooks have
 * `project.id`; those of jobs and many system hooks have `project_id`.
 */
export function projectIdOf(body: string): number | null | undefined {
  const hook = objectOf(parsed(body));
  if (!hook) return undefined;
  return idOf(objectOf(hook.project)?.id) ?? idOf(hook.project_id);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : null;

const idOf = (value: unknown): number | null => (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null);
