import type { DocumentNode, FieldNode, FragmentDefinitionNode, OperationDefinitionNode, SelectionSetNode } from 'graphql';

/** A field, or an argument of one, in a document. */
export interface DocumentField {
  readonly kind: 'field' | 'argument';
  /**
   * The same wherever the fragment or the operation is: `fragment Pipeline/user/username`, and with an argument
   * `query PipelinePage/projects(first:)`.
   */
  readonly key: string;
  /** The field, or the one that the argument belongs to. */
  readonly field: string;
  readonly argument?: string;
  /** What the field is of, as far as the document says so. */
  readonly parentType: string | undefined;
  /** As GitLab's errors name it: `['fragment Pipeline', 'user', 'username']`. */
  readonly path: readonly string[];
  /** As GitLab's errors name it: `3:5`. Absent in a document that was not parsed from a text. */
  readonly position: string | undefined;
}

/** What selections stand in: its key, and its type as far as the document says so. */
export interface Scope {
  readonly key: string;
  readonly type: string | undefined;
}

/** What the selections of an operation or a fragment stand in. */
export function scopeOf(definition: OperationDefinitionNode | FragmentDefinitionNode): Scope {
  const { name } = definition;
  if (definition.kind === 'FragmentDefinition') return { key: `fragment ${name?.value}`, type: definition.typeCondition.name.value };
  const { operation } = definition;
  return { key: name ? `${operation} ${name.value}` : operation, type: operation === 'query' ? 'Query' : undefined };
}

/** What the selections of an inline fragment stand in. */
export function inlineScope({ key, type }: Scope, condition: string | undefined): Scope {
  return condition === undefined ? { key: `${key}/...`, type } : { key: `${key}/... on ${condition}`, type: condition };
}

/** Key of a field below a key. */
export const fieldKey = (above: string, { alias, name }: FieldNode): string => `${above}/${(alias ?? name).value}`;

/** Key of an argument of the field with a key. */
export const argumentKey = (field: string, name: string): string => `${field}(${name}:)`;

/** All fields and arguments of a document, each where it is written: a fragment's once, however often it is spread. */
export function placesOf(document: DocumentNode): DocumentField[] {
  return document.definitions.flatMap((definition) =>
    'selectionSet' in definition ? placesIn(definition.selectionSet, scopeOf(definition)) : [],
  );
}

function placesIn({ selections }: SelectionSetNode, scope: Scope): DocumentField[] {
  return selections.flatMap((selection) => {
    if (selection.kind === 'Field') return placesOfField(selection, scope);
    return selection.kind === 'InlineFragment'
      ? placesIn(selection.selectionSet, inlineScope(scope, selection.typeCondition?.name.value))
      : [];
  });
}

function placesOfField(node: FieldNode, { key: above, type }: Scope): DocumentField[] {
  const key = fieldKey(above, node);
  const field = node.name.value;
  const own = { field, parentType: type };
  const args = (node.arguments ?? []).map(({ name, loc }): DocumentField => {
    const argument = name.value;
    return {
      ...own,
      kind: 'argument',
      key: argumentKey(key, argument),
      argument,
      path: [...pathOf(key), argument],
      position: positionOf(loc),
    };
  });
  const below = node.selectionSet ? placesIn(node.selectionSet, { key, type: undefined }) : [];
  return [{ ...own, kind: 'field', key, path: pathOf(key), position: positionOf(node.loc) }, ...args, ...below];
}

const pathOf = (key: string) => key.split('/');
const positionOf = (loc: FieldNode['loc']) => (loc ? `${loc.startToken.line}:${loc.startToken.column}` : undefined);
