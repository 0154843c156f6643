import { GraphQLError, execute, getOperationAST, parse } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { isFineGrained } from '../world/world.ts';
import type { RestReply } from '../rest/reply.ts';
import { measure } from './complexity.ts';
import { brokenReply, resolvePoisoned } from './poisoned.ts';
import type { Execution } from './poisoned.ts';
import { rootValue } from './root.ts';
import type { Asked } from './root.ts';
import { wrongVariables } from './variables.ts';
import { validateLikeGitlab } from './validate.ts';
import type { ValidationError } from './validate.ts';
import { schemaOf } from './variant.ts';

/** Limits for a user who is no administrator. */
export const limits = { complexity: 250, depth: 20, characters: 10_000, validationErrors: 5 } as const;

/** An administrator's query may cost more. */
const adminComplexity = 300;
/** Limits for a request without a token: a guest, who sees no private project. */
export const anonymousLimits = { complexity: 200, depth: 15 } as const;

/** A GraphQL request's body. */
export interface GraphqlRequest {
  readonly query?: string;
  readonly operationName?: string | null;
  readonly variables?: Readonly<Record<string, unknown>> | null;
}

const refusal = (message: string, extra: object = {}): RestReply => ({ status: 200, body: { errors: [{ message, ...extra }] } });

/** The world that answers, and the token of the request. */
export type Server = Omit<Asked, 'complexity'>;

/** Answers a GraphQL request as GitLab does: checks the limits first, then reads the data. */
export async function executeGraphql(server: Server, request: GraphqlRequest): Promise<RestReply> {
  const { world, token } = server;
  const source = request.query ?? '';
  if (source.length > limits.characters) return { status: 422, body: { errors: [{ message: 'Query too large' }] } };
  const schema = schemaOf(world.schema);
  const { document, invalid } = checked(schema, source);
  if (document instanceof GraphQLError) return refusal(document.message);
  if (invalid.length > 0) return { status: 200, body: { errors: invalid } };
  const operation = getOperationAST(document, request.operationName);
  if (!operation) return refusal('An operation name is required');
  const wrong = wrongVariables({ schema, operation, variables: request.variables ?? {} });
  if (wrong.length > 0) return { status: 200, body: { errors: wrong.slice(0, limits.validationErrors) } };
  const { complexity, depth } = measure({ schema, document, operation, variables: request.variables ?? {} });
  const largest = token ? { ...limits, complexity: token.isAdmin ? adminComplexity : world.complexityLimit } : anonymousLimits;
  if (complexity > largest.complexity) {
    return refusal(`Query has complexity of ${complexity}, which exceeds max complexity of ${largest.complexity}`);
  }
  if (depth > largest.depth) return refusal(`Query has depth of ${depth}, which exceeds max depth of ${largest.depth}`);
  const cost = { score: complexity, limit: largest.complexity };
  const execution: Execution = { poisons: world.poisons, broken: null, calls: new Map(), isTimedOut: false };
  const result = await execute({
    schema,
    document,
    rootValue: token && isFineGrained(token) ? outOfReach : rootValue({ ...server, complexity: cost }),
    variableValues: request.variables,
    operationName: request.operationName,
    contextValue: execution,
    ...(world.poisons.isEmpty ? {} : { fieldResolver: resolvePoisoned }),
  });
  return brokenReply(execution, { status: 200, body: result });
}

/** A fine-grained token cannot read much of GraphQL, whatever its permissions are. */
const outOfReach = new Proxy(
  {},
  {
    get: () => () => {
      throw new GraphQLError("Access denied: This operation doesn't support fine-grained personal access tokens.");
    },
  },
);

/** A query's document, and the errors in it. */
interface Checked {
  readonly document: DocumentNode | GraphQLError;
  readonly invalid: readonly ValidationError[];
}

const checkedBySchema = new WeakMap<GraphQLSchema, Map<string, Checked>>();
/** More queries than the connector has; a test may send any number. */
const keptQueries = 200;

/** Parses and validates each query once: clients send the same few again and again. */
function checked(schema: GraphQLSchema, source: string): Checked {
  const known = checkedBySchema.get(schema) ?? new Map<string, Checked>();
  checkedBySchema.set(schema, known);
  const found = known.get(source);
  if (found) return found;
  const document = parsed(source);
  const invalid = document instanceof GraphQLError ? [] : validateLikeGitlab(schema, document).slice(0, limits.validationErrors);
  if (known.size >= keptQueries) known.clear();
  known.set(source, { document, invalid });
  return { document, invalid };
}

function parsed(source: string): DocumentNode | GraphQLError {
  try {
    return parse(source);
  } catch (error) {
    return error instanceof GraphQLError ? error : new GraphQLError(String(error));
  }
}
