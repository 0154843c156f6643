import type { DocumentNode, FieldNode, FragmentDefinitionNode, SelectionSetNode } from 'graphql';

/** The data of an answer to a pruned document, with null for every field of the whole document that is absent. */
export function fillNulls(data: unknown, document: DocumentNode): unknown {
  const fragments = new Map(document.definitions.flatMap((node) => (node.kind === 'FragmentDefinition' ? [[node.name.value, node]] : [])));
  const operation = document.definitions.find((node) => node.kind === 'OperationDefinition');
  return operation ? fill(data, fieldsOf(operation.selectionSet, fragments), fragments) : data;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function fill(value: unknown, fields: readonly FieldNode[], fragments: Fragments): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, fields, fragments));
  if (typeof value !== 'object' || value === null) return value;
  const given = value as Readonly<Record<string, unknown>>;
  const filled: Record<string, unknown> = { ...given };
  for (const { alias, name, selectionSet } of fields) {
    const key = (alias ?? name).value;
    const below = given[key] ?? null;
    filled[key] = selectionSet ? fill(below, fieldsOf(selectionSet, fragments), fragments) : below;
  }
  return filled;
}

/** The fields of a selection and of the fragments in it. */
function fieldsOf({ selections }: SelectionSetNode, fragments: Fragments): FieldNode[] {
  return selections.flatMap((node) => {
    if (node.kind === 'Field') return [node];
    const set = node.kind === 'InlineFragment' ? node.selectionSet : fragments.get(node.name.value)?.selectionSet;
    return set ? fieldsOf(set, fragments) : [];
  });
}
