import { isEnumType, isInputObjectType, isListType, isNonNullType, isScalarType, print, typeFromAST } from 'graphql';
import type { ArgumentNode, DocumentNode, GraphQLInputType, GraphQLSchema, ValueNode, VariableDefinitionNode } from 'graphql';
import type { ValidationError } from './validate.ts';

/** The variables that a document declares. */
export type Declared = ReadonlyMap<string, VariableDefinitionNode>;

export const declaredIn = ({ definitions }: DocumentNode): Declared =>
  new Map(
    definitions.flatMap((node) =>
      node.kind === 'OperationDefinition' ? (node.variableDefinitions ?? []).map((one) => [one.variable.name.value, one] as const) : [],
    ),
  );

/** An argument of a field with its given value. */
export interface ArgumentPlace {
  readonly argument: ArgumentNode;
  readonly fieldName: string;
  readonly type: GraphQLInputType;
  readonly path: readonly string[];
}

const at = ({ loc }: ArgumentNode) => (loc ? { locations: [{ line: loc.startToken.line, column: loc.startToken.column }] } : {});

/** graphql-ruby's ArgumentLiteralsAreCompatible: a literal in the query that its argument does not accept. */
export function wrongLiteral({ argument, fieldName, type, path }: ArgumentPlace): ValidationError[] {
  const problem = literalProblem(argument.value, type);
  if (problem === null) return [];
  const argumentName = argument.name.value;
  const message =
    problem === ''
      ? `Argument '${argumentName}' on Field '${fieldName}' has an invalid value (${print(argument.value)}). Expected type '${String(type)}'.`
      : problem;
  return [{ message, ...at(argument), path, extensions: { code: 'argumentLiteralsIncompatible', typeName: 'Field', argumentName } }];
}

/** Null for a valid value, an empty text for an invalid value, and the message of the type when it has its own. */
function literalProblem(value: ValueNode, type: GraphQLInputType): string | null {
  if (value.kind === 'Variable') return null;
  if (isNonNullType(type)) return value.kind === 'NullValue' ? '' : literalProblem(value, type.ofType);
  if (value.kind === 'NullValue') return null;
  if (isListType(type)) {
    const items = value.kind === 'ListValue' ? value.values : [value];
    return items.map((item) => literalProblem(item, type.ofType)).find((problem) => problem !== null) ?? null;
  }
  if (isEnumType(type)) return value.kind === 'EnumValue' && type.getValue(value.value) ? null : '';
  if (isInputObjectType(type)) return value.kind === 'ObjectValue' ? null : '';
  if (type.name === 'Time' && value.kind === 'StringValue') return timeProblem(value.value);
  return literalKinds[type.name]?.includes(value.kind) === false || isTooLong(value) ? '' : null;
}

const literalKinds: Readonly<Record<string, readonly string[]>> = {
  Int: ['IntValue'],
  Float: ['IntValue', 'FloatValue'],
  String: ['StringValue'],
  ID: ['StringValue', 'IntValue'],
  Boolean: ['BooleanValue'],
  Time: ['StringValue'],
};

const largestInt = 2 ** 31;
const isTooLong = (value: ValueNode) => value.kind === 'IntValue' && Math.abs(Number(value.value)) >= largestInt;

/** Null for a text that Ruby's Time.parse accepts. */
export const timeProblem = (text: string): string | null =>
  Number.isNaN(Date.parse(text)) ? `no time information in ${JSON.stringify(text)}` : null;

/** graphql-ruby's VariableUsagesAreAllowed: a variable whose type is not that of its argument. */
export function wrongUsages(schema: GraphQLSchema, { argument, type, path }: ArgumentPlace, declared: Declared): ValidationError[] {
  return usages(argument.value, type).flatMap(({ name, wanted }) => {
    const definition = declared.get(name);
    const given = definition && (typeFromAST(schema, definition.type as never) as GraphQLInputType | undefined);
    if (!given) return [];
    const errorMessage = mismatch(given, wanted, definition.defaultValue !== undefined);
    if (errorMessage === null) return [];
    const argumentName = argument.name.value;
    const message = `${errorMessage} on variable $${name} and argument ${argumentName} (${String(given)} / ${String(wanted)})`;
    const extensions = { code: 'variableMismatch', variableName: name, typeName: String(given), argumentName, errorMessage };
    return [{ message, ...at(argument), path, extensions }];
  });
}

/** Variables in a value, each with the type that is expected in its place. */
function usages(value: ValueNode, type: GraphQLInputType): Array<{ readonly name: string; readonly wanted: GraphQLInputType }> {
  if (value.kind === 'Variable') return [{ name: value.name.value, wanted: type }];
  const bare = isNonNullType(type) ? type.ofType : type;
  return value.kind === 'ListValue' && isListType(bare) ? value.values.flatMap((item) => usages(item, bare.ofType)) : [];
}

function mismatch(given: GraphQLInputType, wanted: GraphQLInputType, hasDefault: boolean): string | null {
  if (isNonNullType(wanted) && !isNonNullType(given) && !hasDefault) return 'Nullability mismatch';
  const [from, to] = [isNonNullType(given) ? given.ofType : given, isNonNullType(wanted) ? wanted.ofType : wanted];
  if (isListType(from) !== isListType(to)) return 'List dimension mismatch';
  if (isListType(from) && isListType(to)) return mismatch(from.ofType, to.ofType, false);
  return isScalarType(from) || isEnumType(from) || isInputObjectType(from) ? (String(from) === String(to) ? null : 'Type mismatch') : null;
}
