import { GraphQLError, defaultFieldResolver } from 'graphql';
import type { FieldNode, GraphQLFieldResolver, GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import type { Poison, Poisons, Subject } from '../world/poison.ts';
import type { RestReply } from '../rest/reply.ts';

/** Under which a node says what it is of. */
export const subject: unique symbol = Symbol('subject');

/** What the faults of single objects do to one request. */
export interface Execution {
  readonly poisons: Poisons;
  /** The fault that took the whole request. */
  broken: Poison | null;
  /** Every field that is resolved from now on fails. */
  isTimedOut: boolean;
}

const hidden = "The resource that you are attempting to access does not exist or you don't have permission to perform this action";

/** Resolves as usual, until it meets an object that is poisoned. */
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

/** graphql-js makes a null and an error of an error that stands in place of a node. */
function withoutNullNodes(value: unknown, { poisons }: Execution, info: GraphQLResolveInfo): unknown {
  const checked = (node: unknown) => {
    const own = subjectOf(node);
    const isNull = own && poisons.of(own, selectedFields(info))?.how === 'null-node';
    return isNull ? new GraphQLError(hidden) : node;
  };
  return Array.isArray(value) ? value.map(checked) : checked(value);
}

const selected = new WeakMap<readonly FieldNode[], readonly string[]>();

/** Names of the fields that are asked for of what a field returns. */
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

/** The answer to a request that met a fault: the answer itself where the fault took only a part. */
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

/** GitLab's page for a server that does not answer. */
export const whoops = '<h1>502</h1>Whoops, GitLab is taking too much time to respond.';
