/** Copies the content of an object, list, map or set, at every depth. Returns a function that restores the content in the same objects. */
export function memento(value: unknown): () => void {
  if (Array.isArray(value)) {
    const items: unknown[] = [...value];
    const below = items.map(memento);
    return () => {
      value.splice(0, value.length, ...items);
      for (const restore of below) restore();
    };
  }
  if (value instanceof Map || value instanceof Set) return mementoOfCollection(value);
  if (typeof value !== 'object' || value === null) return () => {};
  const fields = { ...value };
  const below = Object.values(fields).map(memento);
  return () => {
    for (const name of Object.keys(value)) if (!(name in fields)) Reflect.deleteProperty(value, name);
    Object.assign(value, fields);
    for (const restore of below) restore();
  };
}

function mementoOfCollection(value: Map<unknown, unknown> | Set<unknown>): () => void {
  const entries = [...value];
  const below = [...value.values()].map(memento);
  return () => {
    value.clear();
    for (const entry of entries) {
      if (value instanceof Set) value.add(entry);
      else value.set(...(entry as [unknown, unknown]));
    }
    for (const restore of below) restore();
  };
}
