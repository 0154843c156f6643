import { Kind, visit } from 'graphql';
import type {
  ArgumentNode,
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  TypeNode,
} from 'graphql';
import { UnsupportedGitlabError } from '../../errors.ts';
import type { MissingFields } from './missing-fields.ts';
import { argumentKey, fieldKey, inlineScope, scopeOf } from './document-fields.ts';
import type { Scope } from './document-fields.ts';
import { typeKey } from './validation-errors.ts';
import { isRequired } from './required-fields.ts';

/** Values of an operation's variables, by name. */
export type VariableValues = Readonly<Record<string, unknown>>;

/** What is known to be missing, and the values of the variables. */
export interface MissingAndGiven {
  readonly learned: Pick<MissingFields, 'nameOf'>;
  readonly variables: VariableValues;
}

/**
 * Removes from a document of one operation what a GitLab is known to lack. A required field that is missing also removes the
 * field around it, up to a field that may be missing. Removes an argument only when it has no value, because such an argument
 * has no effect. Removes variables and fragments that are no longer used.
 * Throws UnsupportedGitlabError when nothing useful remains, or when a missing argument has a value.
 */
export function pruneDocument(document: DocumentNode, known: MissingAndGiven): DocumentNode {
  const operation = document.definitions.find((node) => node.kind === 'OperationDefinition');
  if (!operation) return document;
  const pruning: Pruning = { ...known, operation, definitions: fragmentsOf(document), pruned: new Map(), valued: [] };
  const selectionSet = pruneSelections(pruning, operation.selectionSet, scopeOf(operation));
  if (isLack(selectionSet)) throw unsupported([...selectionSet.lacks, ...pruning.valued], operation);
  if (pruning.valued.length > 0) throw unsupported(pruning.valued, operation);
  return withUsed({ ...operation, selectionSet }, pruning.pruned);
}

/** Names of what is missing in a pruned part, and whether the object around this part is useless without it. */
interface Lack {
  readonly lacks: readonly string[];
  readonly isRequired: boolean;
}

interface Pruning extends MissingAndGiven {
  readonly operation: OperationDefinitionNode;
  readonly definitions: ReadonlyMap<string, FragmentDefinitionNode>;
  /** The fragments that were pruned so far, by name. */
  readonly pruned: Map<string, FragmentDefinitionNode | Lack>;
  /** Names of missing arguments that have a value. */
  readonly valued: string[];
}

const isLack = (kept: object): kept is Lack => 'lacks' in kept;

const fragmentsOf = ({ definitions }: DocumentNode) =>
  new Map(definitions.flatMap((node) => (node.kind === 'FragmentDefinition' ? [[node.name.value, node]] : [])));

function unsupported(missing: readonly string[], operation: OperationDefinitionNode): UnsupportedGitlabError {
  return new UnsupportedGitlabError([...new Set(missing)], { operation: operation.name?.value ?? 'GraphQL' });
}

function pruneSelections(pruning: Pruning, set: SelectionSetNode, scope: Scope): SelectionSetNode | Lack {
  const kept: SelectionNode[] = [];
  const required: string[] = [];
  const optional: string[] = [];
  for (const node of set.selections) {
    const result = prune(pruning, node, scope);
    if (!isLack(result)) kept.push(result);
    else (result.isRequired ? required : optional).push(...result.lacks);
  }
  if (required.length > 0) return { lacks: required, isRequired: true };
  return kept.length > 0 ? { ...set, selections: kept } : { lacks: optional, isRequired: false };
}

function prune(pruning: Pruning, node: SelectionNode, scope: Scope): SelectionNode | Lack {
  switch (node.kind) {
    case Kind.FIELD:
      return pruneField(pruning, node, scope);
    case Kind.FRAGMENT_SPREAD: {
      const found = prunedFragment(pruning, node.name.value);
      return isLack(found) ? found : node;
    }
    case Kind.INLINE_FRAGMENT: {
      const set = pruneSelections(pruning, node.selectionSet, inlineScope(scope, node.typeCondition?.name.value));
      return isLack(set) ? set : { ...node, selectionSet: set };
    }
  }
}

function pruneField(pruning: Pruning, node: FieldNode, scope: Scope): FieldNode | Lack {
  const lack = (names: readonly string[]): Lack => ({ lacks: names, isRequired: isRequired(node.name.value, scope.type) });
  const key = fieldKey(scope.key, node);
  const missing = pruning.learned.nameOf(key);
  if (missing !== undefined) return lack([missing]);
  const kept = { ...node, arguments: (node.arguments ?? []).filter((argument) => !isLeftOut(pruning, argument, key)) };
  const set = node.selectionSet && pruneSelections(pruning, node.selectionSet, { key, type: undefined });
  if (set === undefined) return kept;
  return isLack(set) ? lack(set.lacks) : { ...kept, selectionSet: set };
}

function prunedFragment(pruning: Pruning, name: string): FragmentDefinitionNode | Lack {
  const known = pruning.pruned.get(name);
  if (known) return known;
  const result = pruneFragment(pruning, name);
  pruning.pruned.set(name, result);
  return result;
}

function pruneFragment(pruning: Pruning, name: string): FragmentDefinitionNode | Lack {
  const definition = pruning.definitions.get(name);
  if (!definition) return { lacks: [name], isRequired: true };
  const missingType = pruning.learned.nameOf(typeKey(definition.typeCondition.name.value));
  if (missingType !== undefined) return { lacks: [missingType], isRequired: true };
  const set = pruneSelections(pruning, definition.selectionSet, scopeOf(definition));
  return isLack(set) ? set : { ...definition, selectionSet: set };
}

/** Whether to remove an argument: GitLab lacks the argument, or the type of its variable. */
function isLeftOut({ learned, operation, variables, valued }: Pruning, { name, value }: ArgumentNode, field: string): boolean {
  const variable = value.kind === 'Variable' ? value.name.value : undefined;
  const missing = learned.nameOf(argumentKey(field, name.value)) ?? learned.nameOf(typeKey(variableType(operation, variable)));
  if (missing === undefined) return false;
  if (variable === undefined || (variables[variable] ?? null) !== null) valued.push(missing);
  return true;
}

function variableType({ variableDefinitions = [] }: OperationDefinitionNode, name: string | undefined): string {
  const definition = variableDefinitions.find(({ variable }) => variable.name.value === name);
  return definition ? namedType(definition.type) : '';
}

const namedType = (type: TypeNode): string => (type.kind === 'NamedType' ? type.name.value : namedType(type.type));

/** A document of the operation, with the fragments and the variables that the operation uses. */
function withUsed(operation: OperationDefinitionNode, fragments: Pruning['pruned']): DocumentNode {
  const used = new Set<FragmentDefinitionNode>();
  const variables = new Set<string>();
  const collect = (node: SelectionSetNode) => {
    visit(node, {
      Variable: ({ name }) => {
        variables.add(name.value);
      },
      FragmentSpread: ({ name }) => {
        const found = fragments.get(name.value);
        if (!found || isLack(found) || used.has(found)) return;
        used.add(found);
        collect(found.selectionSet);
      },
    });
  };
  collect(operation.selectionSet);
  const variableDefinitions = (operation.variableDefinitions ?? []).filter(({ variable }) => variables.has(variable.name.value));
  return { kind: Kind.DOCUMENT, definitions: [{ ...operation, variableDefinitions }, ...used] };
}
