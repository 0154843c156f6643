import { isEnumType, isListType, isNonNullType, typeFromAST } from 'graphql';
import type { GraphQLInputType, OperationDefinitionNode } from 'graphql';
import type { Scored } from './complexity.ts';
import { timeProblem } from './inputs.ts';
import type { ValidationError } from './validate.ts';

interface Problem {
  readonly path: ReadonlyArray<string | number>;
  readonly explanation: string;
  readonly message?: string;
}

/** graphql-ruby's VariableValidationError for each value that its variable does not accept. */
export function wrongVariables({ schema, operation, variables }: Omit<Scored, 'document'>): ValidationError[] {
  return (operation.variableDefinitions ?? []).flatMap((definition) => {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type as never) as GraphQLInputType | undefined;
    if (!type) return [];
    const value = variables[name];
    if (!Object.hasOwn(variables, name) && (definition.defaultValue || !isNonNullType(type))) return [];
    const problems = problemsOf(value ?? null, type, []);
    if (problems.length === 0) return [];
    const places = problems.filter(({ path }) => path.length > 0).map(({ path, explanation }) => `${path.join('.')} (${explanation})`);
    const message = `Variable $${name} of type ${String(type)} was provided invalid value${places.length > 0 ? ` for ${places.join(', ')}` : ''}`;
    return [{ message, ...at(definition), extensions: { value: value ?? null, problems } }];
  });
}

type Definition = NonNullable<OperationDefinitionNode['variableDefinitions']>[number];

const at = ({ loc }: Definition) => (loc ? { locations: [{ line: loc.startToken.line, column: loc.startToken.column }] } : {});

function problemsOf(value: unknown, type: GraphQLInputType, path: Problem['path']): Problem[] {
  if (isNonNullType(type)) {
    return value === null ? [{ path, explanation: 'Expected value to not be null' }] : problemsOf(value, type.ofType, path);
  }
  if (value === null) return [];
  if (isListType(type)) {
    if (!Array.isArray(value)) return problemsOf(value, type.ofType, path);
    return value.flatMap((item: unknown, index) => problemsOf(item, type.ofType, [...path, index]));
  }
  if (isEnumType(type)) {
    if (typeof value === 'string' && type.getValue(value)) return [];
    const names = type.getValues().map(({ name }) => name);
    return [{ path, explanation: `Expected ${JSON.stringify(value)} to be one of: ${names.join(', ')}` }];
  }
  if (type.name === 'Time' && typeof value === 'string') {
    const explanation = timeProblem(value);
    return explanation === null ? [] : [{ path, explanation, message: explanation }];
  }
  const isTaken = takes[type.name]?.(value) ?? true;
  return isTaken ? [] : [{ path, explanation: `Could not coerce value ${JSON.stringify(value)} to ${type.name}` }];
}

const takes: Readonly<Record<string, (value: unknown) => boolean>> = {
  Int: (value) => typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31,
  Float: (value) => typeof value === 'number',
  String: (value) => typeof value === 'string',
  ID: (value) => typeof value === 'string' || Number.isInteger(value),
  Boolean: (value) => typeof value === 'boolean',
  Time: (value) => typeof value === 'string',
};
