import { GraphQLError, defaultFieldResolver } from 'graphql';
import type { FieldNode, GraphQLFieldResolver, GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import type { Poison, Poisons, Subject } from '../world/poison.ts';
import type { RestReply } from '../rest/reply.ts';

/** Key under which a node names its object. */
export const subject: unique symbol = Symbol('subject');

/** The faults of single objects in one request. */
export interface Execution {
  readonly poisons: Poisons;
  /** The fault that fails the whole request. */
  broken: Poison | null;
  /** How often fields were resolved that GitLab resolves for so many objects in a request only. */
  readonly calls: Map<string, number>;
  /** Whether every field that is resolved later fails. */
  isTimedOut: boolean;
}

const hidden = "The resource that you are attempting to access does not exist or you don't have permission to perform this action";

/** Resolves fields as usual, except those of objects with a fault. */
export const resolvePoisoned: GraphQLFieldResolver<unknown, Execution> = (source, args, execution, info) => {
  const { fieldName, parentType } = info;
  const timeout = () => new GraphQLError(`Timeout on ${parentType.name}.${fieldName}`);
  if (execution.isTimedOut) throw timeout();
  const own = subjectOf(source);
  const poison = own && execution.poisons.of(own, [fieldName]);
  if (poison?.how === 'timeout') execution.isTimedOut = true;
  if (poison?.how === 'timeout' || poison?.how === 'null-field') throw timeout();
  if (poison?.how === 'silent-null') return null;
  if (poison && poison.how !== 'null-node') execution.broken ??= poison;
  return withoutNullNodes(defaultFieldResolver(source, args, execution, info), execution, info);
};

const subjectOf = (source: unknown): Subject | undefined =>
  typeof source === 'object' && source !== null && subject in source ? (source[subject] as Subject) : undefined;

/** graphql-js turns an error in place of a node into a null and an error of the answer. */
function withoutNullNodes(value: unknown, { poisons }: Execution, info: GraphQLResolveInfo): unknown {
  const checked = (node: unknown) => {
    const own = subjectOf(node);
    const isNull = own && poisons.of(own, selectedFields(info))?.how === 'null-node';
    return isNull ? new GraphQLError(hidden) : node;
  };
  return Array.isArray(value) ? value.map(checked) : checked(value);
}

const selected = new WeakMap<readonly FieldNode[], readonly string[]>();

/** Names of the fields that a request selects on the result of a field. */
function selectedFields({ fieldNodes, fragments }: GraphQLResolveInfo): readonly string[] {
  const namesIn = ({ selections }: SelectionSetNode): string[] =>
    selections.flatMap((node) => {
      if (node.kind === 'Field') return [node.name.value];
      const set = node.kind === 'InlineFragment' ? node.selectionSet : fragments[node.name.value]?.selectionSet;
      return set ? namesIn(set) : [];
    });
  const known = selected.get(fieldNodes) ?? fieldNodes.flatMap(({ selectionSet }) => (selectionSet ? namesIn(selectionSet) : []));
  selected.set(fieldNodes, known);
  return known;
}

/** The answer to a request with a fault. Unchanged when the fault affects only a part of the answer. */
export function brokenReply({ broken }: Execution, reply: RestReply): RestReply {
  if (broken?.how === 'error-500') return { status: 500, body: { errors: [{ message: 'Internal server error' }] } };
  if (broken?.how === '502-html') return { status: 502, html: whoops };
  if (broken?.how === 'statement-timeout-503') {
    return {
      status: 503,
      body: { errors: [{ message: 'Request timed out. Please try a less complex query or a smaller set of records.' }] },
    };
  }
  return broken?.how === 'cut-off' ? { ...reply, isCutOff: true } : reply;
}

/** GitLab's page for status 502: its server does not answer. */
export const whoops = '<h1>502</h1>Whoops, GitLab is taking too much time to respond.';
