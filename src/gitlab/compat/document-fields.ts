import type { DocumentNode, FieldNode, FragmentDefinitionNode, OperationDefinitionNode, SelectionSetNode } from 'graphql';

/** A field or an argument in a document. */
export interface DocumentField {
  readonly kind: 'field' | 'argument';
  /**
   * Key of the place, counted from its operation or fragment: `fragment Pipeline/user/username`, and for an argument
   * `query PipelinePage/projects(first:)`.
   */
  readonly key: string;
  /** Name of the field, or of the field that has the argument. */
  readonly field: string;
  readonly argument?: string;
  /** Name of the type that has the field; undefined when the document does not name it. */
  readonly parentType: string | undefined;
  /** The path in GitLab's errors: `['fragment Pipeline', 'user', 'username']`. */
  readonly path: readonly string[];
  /** Line and column in GitLab's errors: `3:5`. Undefined in a document that was not parsed from a text. */
  readonly position: string | undefined;
}

/** What encloses a selection: its key, and its type; the type is undefined when the document does not name it. */
export interface Scope {
  readonly key: string;
  readonly type: string | undefined;
}

/** The scope of the selections of an operation or a fragment. */
export function scopeOf(definition: OperationDefinitionNode | FragmentDefinitionNode): Scope {
  const { name } = definition;
  if (definition.kind === 'FragmentDefinition') return { key: `fragment ${name?.value}`, type: definition.typeCondition.name.value };
  const { operation } = definition;
  return { key: name ? `${operation} ${name.value}` : operation, type: operation === 'query' ? 'Query' : undefined };
}

/** The scope of the selections of an inline fragment. */
export function inlineScope({ key, type }: Scope, condition: string | undefined): Scope {
  return condition === undefined ? { key: `${key}/...`, type } : { key: `${key}/... on ${condition}`, type: condition };
}

/** Key of a field in the scope with the key `above`. */
export const fieldKey = (above: string, { alias, name }: FieldNode): string => `${above}/${(alias ?? name).value}`;

/** Key of an argument. `field` is the key of the field, or its name. */
export const argumentKey = (field: string, name: string): string => `${field}(${name}:)`;

/** All fields and arguments of a document. The fields of a fragment are returned once, even when the fragment is spread several times. */
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
