import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLObjectType,
  GraphQLScalarType,
  TypeInfo,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isScalarType,
  isSpecifiedScalarType,
  printType,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { DocumentNode, GraphQLNamedType, GraphQLSchema } from 'graphql';

/** The values that the code passes as variables, by enum. Enums in answers keep every value. */
const passedEnumValues: Readonly<Record<string, readonly string[]>> = {
  MergeRequestSort: ['UPDATED_ASC', 'UPDATED_DESC'],
  ReleaseSort: ['CREATED_DESC'],
  ContainerRepositoryTagSort: ['NAME_ASC', 'PUBLISHED_AT_DESC'],
};

interface Usage {
  readonly fields: Map<string, Map<string, Set<string>>>;
  readonly inputs: Set<string>;
}

/**
 * The part of a GitLab schema that the documents use: types, fields, arguments and enums, as SDL without descriptions, Query
 * first and the rest by name. Leaves out what the schema does not have.
 */
export function sliceSchema(schema: GraphQLSchema, documents: DocumentNode): string {
  const usage = collectUsage(schema, documents);
  const names = new Set([...usage.fields.keys(), ...usage.inputs]);
  const types = [...names]
    .map((name) => sliceType(schema, name, usage))
    .filter((type) => !isSpecifiedScalarType(type))
    .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  return `${types.map(printType).join('\n\n')}\n`;
}

const rank = (type: GraphQLNamedType) => (type.name === 'Query' ? 0 : isScalarType(type) ? 2 : isEnumType(type) ? 3 : 1);

function collectUsage(schema: GraphQLSchema, documents: DocumentNode): Usage {
  const usage: Usage = { fields: new Map(), inputs: new Set() };
  const info = new TypeInfo(schema);
  const addNamed = (type: GraphQLNamedType) => {
    if (isIntrospectionType(type) || usage.inputs.has(type.name)) return;
    usage.inputs.add(type.name);
    if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) addNamed(getNamedType(field.type));
  };
  visit(
    documents,
    visitWithTypeInfo(info, {
      Field(node) {
        const parent = info.getParentType();
        const field = info.getFieldDef();
        if (!parent || !field) return;
        const fields = usage.fields.get(parent.name) ?? new Map<string, Set<string>>();
        usage.fields.set(parent.name, fields);
        const args = fields.get(field.name) ?? new Set<string>();
        fields.set(field.name, args);
        for (const argument of node.arguments ?? []) args.add(argument.name.value);
        for (const argument of field.args) if (args.has(argument.name)) addNamed(getNamedType(argument.type));
        const type = getNamedType(field.type);
        if (isScalarType(type) || isEnumType(type)) addNamed(type);
      },
    }),
  );
  return usage;
}

function sliceType(schema: GraphQLSchema, name: string, usage: Usage): GraphQLNamedType {
  const type = schema.getType(name);
  // Of an interface the queries select its own fields only: for them it is an object like any other.
  if (type instanceof GraphQLObjectType || type instanceof GraphQLInterfaceType)
    return sliceObject(type, usage.fields.get(name) ?? new Map());
  if (type instanceof GraphQLEnumType) return sliceEnum(type);
  if (type instanceof GraphQLScalarType) return new GraphQLScalarType({ name });
  if (type instanceof GraphQLInputObjectType) return sliceInput(type);
  throw new Error(`${name} is of a kind that the queries did not use before; teach scripts/schema-slice.ts about it`);
}

function sliceObject(type: GraphQLObjectType | GraphQLInterfaceType, used: Map<string, Set<string>>): GraphQLObjectType {
  const { fields, ...config } = type.toConfig();
  const kept = Object.entries(fields)
    .filter(([name]) => used.has(name))
    .map(([name, field]) => {
      const args = Object.entries(field.args ?? {})
        .filter(([arg]) => used.get(name)?.has(arg))
        .map(([arg, { type: argType }]) => [arg, { type: argType }] as const);
      return [name, { type: field.type, args: Object.fromEntries(args) }] as const;
    })
    .toSorted(([a], [b]) => a.localeCompare(b));
  return new GraphQLObjectType({ name: config.name, fields: Object.fromEntries(kept) });
}

/** With all its fields: a GitLab refuses an input with a field that it does not know, and none that lacks one. */
function sliceInput(type: GraphQLInputObjectType): GraphQLInputObjectType {
  const fields = Object.values(type.getFields()).map(({ name, type: fieldType }) => [name, { type: fieldType }] as const);
  return new GraphQLInputObjectType({ name: type.name, fields: Object.fromEntries(fields) });
}

function sliceEnum(type: GraphQLEnumType): GraphQLEnumType {
  const passed = passedEnumValues[type.name];
  const values = type.getValues().filter((value) => !passed || passed.includes(value.name));
  return new GraphQLEnumType({ name: type.name, values: Object.fromEntries(values.map(({ name }) => [name, {}])) });
}
