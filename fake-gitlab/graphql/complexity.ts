import { getNamedType, isObjectType, valueFromASTUntyped } from 'graphql';
import type {
  DirectiveNode,
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLObjectType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql';
import { fieldOf } from './validate.ts';

/** The cost of a field without its children, as GitLab declares it. */
interface Cost {
  /** A fixed cost, which does not depend on the page size. */
  readonly fixed?: number;
  /** A field with a resolver: costs one percent more for each row of its page. */
  readonly paged?: true;
  /** The largest page, when it is smaller than in other lists. */
  readonly maxPageSize?: number;
  /** Added to the one point of a resolver. */
  readonly extra?: number;
  /** Whether the sort argument has a default, which costs as much as a given value. */
  readonly sorted?: true;
  /** Cost of each given argument, by its name. */
  readonly argument?: Readonly<Record<string, number>>;
}

const costs: Readonly<Record<string, Cost>> = {
  'Query.projects': { paged: true },
  'Group.projects': { paged: true, extra: 10 },
  'Project.mergeRequests': { paged: true, sorted: true },
  'Project.pipelines': { paged: true, extra: 1, argument: { ref: 2 } },
  'Pipeline.jobs': { paged: true },
  'Project.releases': { paged: true, sorted: true },
  'Project.containerRepositories': { paged: true, sorted: true },
  'Project.environments': { paged: true },
  'Environment.deployments': { paged: true },
  'MergeRequest.mergedAt': { fixed: 5 },
  'MergeRequest.closedAt': { fixed: 5 },
  'MergeRequest.labels': { fixed: 5 },
  'MergeRequest.diffStats': { fixed: 2 },
  'MergeRequest.diffHeadSha': { fixed: 2 },
  'ContainerRepositoryDetails.tags': { paged: true, maxPageSize: 20 },
  'Release.commit': { fixed: 10 },
  'Tree.lastCommit': { fixed: 10 },
};

const largestPage = 100;

/** An operation with everything that its score depends on. The score does not depend on data. */
export interface Scored {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** GitLab's score of an operation, and its depth. */
export function measure({ schema, document, operation, variables }: Scored): { readonly complexity: number; readonly depth: number } {
  const fragments = new Map(
    document.definitions
      .filter((node): node is FragmentDefinitionNode => node.kind === 'FragmentDefinition')
      .map((node) => [node.name.value, node]),
  );
  const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
  );
  const given = { ...Object.fromEntries(defaults), ...variables };
  const isLeftOut = ({ directives }: SelectionNode) =>
    (directives ?? []).some((directive) => {
      const { if: condition } = argumentsOf(directive, given);
      return directive.name.value === 'include' ? condition === false : directive.name.value === 'skip' && condition === true;
    });
  const collect = (sets: readonly SelectionSetNode[], into = new Map<string, FieldNode[]>()) => {
    for (const selection of sets.flatMap((set) => set.selections)) {
      if (isLeftOut(selection)) continue;
      if (selection.kind === 'Field') {
        const key = (selection.alias ?? selection.name).value;
        into.set(key, [...(into.get(key) ?? []), selection]);
      } else {
        const set = selection.kind === 'FragmentSpread' ? fragments.get(selection.name.value)?.selectionSet : selection.selectionSet;
        if (set) collect([set], into);
      }
    }
    return into;
  };
  const sum = (sets: readonly SelectionSetNode[], type: GraphQLObjectType) => {
    const scores = [...collect(sets).values()].map((nodes) => score(nodes, type));
    return {
      complexity: scores.reduce((total, { complexity }) => total + complexity, 0),
      depth: Math.max(0, ...scores.map(({ depth }) => depth)),
    };
  };
  const score = (nodes: readonly FieldNode[], type: GraphQLObjectType): { readonly complexity: number; readonly depth: number } => {
    const [node] = nodes;
    const field = node && fieldOf(schema, type, node.name.value);
    const named = field && getNamedType(field.type);
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const children = isObjectType(named) ? sum(sets, named) : { complexity: 0, depth: 0 };
    const own = costs[`${type.name}.${node?.name.value}`] ?? { fixed: 1 };
    return { complexity: costOf(own, children.complexity, argumentsOf(node, given)), depth: children.depth + 1 };
  };
  const root = schema.getQueryType();
  return root ? sum([operation.selectionSet], root) : { complexity: 0, depth: 0 };
}

const argumentsOf = (node: FieldNode | DirectiveNode | undefined, variables: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries((node?.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value, variables)]));

function costOf(
  { fixed, extra = 0, sorted, maxPageSize = largestPage, argument = {} }: Cost,
  children: number,
  args: Readonly<Record<string, unknown>>,
): number {
  if (fixed !== undefined) return fixed + children;
  const given = Object.entries(argument).reduce((total, [name, cost]) => total + (args[name] ? cost : 0), 0);
  const base = children + 1 + extra + given + (sorted || args.sort ? 1 : 0);
  const first = typeof args.first === 'number' ? Math.min(args.first, maxPageSize) : maxPageSize;
  return Math.trunc(base + base * first * 0.01);
}
