import { GraphQLError, execute, getOperationAST, parse, validate } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { isFineGrained } from '../world/world.ts';
import { measure } from './complexity.ts';
import { rootValue } from './root.ts';
import type { Asked } from './root.ts';

/** Limits for a signed-in user who is no administrator. */
export const limits = { complexity: 250, depth: 20, characters: 10_000, validationErrors: 5 } as const;

/** An administrator's query may cost more. */
const adminComplexity = 300;

/** A GraphQL request's body. */
export interface GraphqlRequest {
  readonly query?: string;
  readonly operationName?: string | null;
  readonly variables?: Readonly<Record<string, unknown>> | null;
}

/** An HTTP answer before it becomes one. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const refusal = (message: string, extra: object = {}): Reply => ({ status: 200, body: { errors: [{ message, ...extra }] } });

/** Whose GitLab answers, and to whom. */
export type Server = Omit<Asked, 'complexity'> & { readonly schema: GraphQLSchema };

/** Answers a GraphQL request as GitLab would: its limits first, then the data. */
export async function executeGraphql({ schema, ...server }: Server, request: GraphqlRequest): Promise<Reply> {
  const source = request.query ?? '';
  if (source.length > limits.characters) return { status: 422, body: { errors: [{ message: 'Query too large' }] } };
  const document = parsed(source);
  if (document instanceof GraphQLError) return refusal(document.message);
  const invalid = validate(schema, document).slice(0, limits.validationErrors);
  if (invalid.length > 0) return { status: 200, body: { errors: invalid.map(gitlabError) } };
  const operation = getOperationAST(document, request.operationName);
  if (!operation) return refusal('An operation name is required');
  const { complexity, depth } = measure({ schema, document, operation, variables: request.variables ?? {} });
  const limit = server.token.isAdmin ? adminComplexity : limits.complexity;
  if (complexity > limit) return refusal(`Query has complexity of ${complexity}, which exceeds max complexity of ${limit}`);
  if (depth > limits.depth) return refusal(`Query has depth of ${depth}, which exceeds max depth of ${limits.depth}`);
  const result = await execute({
    schema,
    document,
    rootValue: isFineGrained(server.token) ? outOfReach : rootValue({ ...server, complexity: { score: complexity, limit } }),
    variableValues: request.variables,
    operationName: request.operationName,
  });
  return { status: 200, body: result };
}

/** Much of GraphQL is out of a fine-grained token's reach, whatever it is allowed. */
const outOfReach = new Proxy(
  {},
  {
    get: () => () => {
      throw new GraphQLError("Access denied: This operation doesn't support fine-grained personal access tokens.");
    },
  },
);

function parsed(source: string): DocumentNode | GraphQLError {
  try {
    return parse(source);
  } catch (error) {
    return error instanceof GraphQLError ? error : new GraphQLError(String(error));
  }
}

/** graphql-ruby's wording of the two things that differ from version to version. */
function gitlabError(error: GraphQLError): object {
  const { locations } = error;
  const field = /^Cannot query field "(\w+)" on type "(\w+)"/.exec(error.message);
  if (field) {
    const [, fieldName, typeName] = field;
    const extensions = { code: 'undefinedField', typeName, fieldName };
    return { message: `Field '${fieldName}' doesn't exist on type '${typeName}'`, locations, extensions };
  }
  const argument = /^Unknown argument "(\w+)" on field "(\w+)\.(\w+)"/.exec(error.message);
  if (argument) {
    const [, argumentName, , fieldName] = argument;
    const extensions = { code: 'argumentNotAccepted', name: fieldName, typeName: 'Field', argumentName };
    return { message: `Field '${fieldName}' doesn't accept argument '${argumentName}'`, locations, extensions };
  }
  return { message: error.message, locations };
}
