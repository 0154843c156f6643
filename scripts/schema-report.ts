import { diff } from '@graphql-inspector/core';
import type { Change } from '@graphql-inspector/core';
import { TypeInfo, buildSchema, concatAST, getNamedType, isEnumType, isObjectType, validate, visit, visitWithTypeInfo } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { PulledSchema } from './schema-introspect.ts';

/** A file of queries/, parsed with its path as the name of its source. */
export interface QueryFile {
  readonly path: string;
  readonly document: DocumentNode;
}

/** What a pulled schema changes for the queries. Each line names the files that the change affects. */
export interface SchemaReport {
  readonly breaking: readonly string[];
  readonly deprecated: readonly string[];
  readonly added: readonly string[];
  readonly changed: readonly string[];
}

/** Two slices to compare. */
export interface Slices {
  readonly before: string;
  readonly after: string;
}

/** Compares two slices with each other, and the queries with the pulled schema. */
export async function reportOn({ before, after }: Slices, pulled: PulledSchema, files: readonly QueryFile[]): Promise<SchemaReport> {
  const old = buildSchema(before, { assumeValid: true });
  const slice = buildSchema(after, { assumeValid: true });
  const found = await diff(old, slice);
  const newTypes = new Set(found.flatMap(({ type, path }) => (type === 'TYPE_ADDED' ? [path] : [])));
  const changes = found.filter((change) => concerns(change, pulled) && !isWithin(change, newTypes));
  const usage = mergedUsage([usageOf(old, files), usageOf(pulled.schema, files)]);
  const line = ({ message, path = '' }: Change) => withFiles(message, usage, path);
  const isBreaking = ({ criticality }: Change) => criticality.level === ('BREAKING' as typeof criticality.level);
  const isAddition = ({ type }: Change) => String(type).endsWith('_ADDED');
  const breaking = changes.filter(isBreaking);
  const others = changes.filter((change) => !isBreaking(change));
  return {
    breaking: [...breaking.map(line), ...invalid(pulled.schema, files, breaking), ...pulled.strange],
    deprecated: deprecatedIn(pulled.schema, slice, usage),
    added: others.filter(isAddition).map(line),
    changed: others.filter((change) => !isAddition(change)).map(line),
  };
}

/** Whether GitLab has changed this. A type also leaves the slice when only the field that led to the type is gone. */
function concerns({ type, path = '' }: Change, { isGone }: PulledSchema): boolean {
  return type !== 'TYPE_REMOVED' || isGone(path);
}

/** Whether a change is a part of one of these types. Parts of a new type are not reported on their own. */
const isWithin = ({ path = '' }: Change, types: ReadonlySet<string | undefined>) => path.includes('.') && types.has(path.split('.')[0]);

/** Errors of the queries that are not among the changes: what GitLab newly requires, and what the schema never had. */
function invalid(schema: GraphQLSchema, files: readonly QueryFile[], changes: readonly Change[]): string[] {
  const known = new Set(changes.map(({ path }) => path));
  const errors = validate(schema, concatAST(files.map(({ document }) => document)), undefined, { maxErrors: 1000 });
  return errors.flatMap(({ message, nodes, locations }) => {
    const place = coordinateIn(message);
    if (place !== undefined && known.has(place)) return [];
    const file = nodes?.[0]?.loc?.source.name;
    return [`${message.replace(/ Did you mean .*$/, '')}${file ? ` (${file}:${locations?.[0]?.line})` : ''}`];
  });
}

function coordinateIn(message: string): string | undefined {
  const field = /^Cannot query field "(\w+)" on type "(\w+)"/.exec(message);
  if (field) return `${field[2]}.${field[1]}`;
  const argument = /^Unknown argument "(\w+)" on field "(\w+)\.(\w+)"/.exec(message);
  if (argument) return `${argument[2]}.${argument[3]}.${argument[1]}`;
  const value = /^Value "(\w+)" does not exist in "(\w+)" enum/.exec(message);
  if (value) return `${value[2]}.${value[1]}`;
  return /^Unknown type "(\w+)"/.exec(message)?.[1];
}

/** Files, by the type, `Type.field` or `Type.field.argument` that they use. */
type Usage = ReadonlyMap<string, ReadonlySet<string>>;

function usageOf(schema: GraphQLSchema, files: readonly QueryFile[]): Usage {
  const usage = new Map<string, Set<string>>();
  for (const { path, document } of files) {
    const use = (coordinate: string) => usage.set(coordinate, (usage.get(coordinate) ?? new Set()).add(path));
    const info = new TypeInfo(schema);
    visit(
      document,
      visitWithTypeInfo(info, {
        Field: (node) => {
          const [parent, field] = [info.getParentType(), info.getFieldDef()];
          if (!parent || !field) return;
          use(parent.name);
          use(`${parent.name}.${field.name}`);
          use(getNamedType(field.type).name);
          for (const { name } of node.arguments ?? []) {
            use(`${parent.name}.${field.name}.${name.value}`);
            const argument = field.args.find((known) => known.name === name.value);
            if (argument) use(getNamedType(argument.type).name);
          }
        },
      }),
    );
  }
  return usage;
}

function mergedUsage(usages: readonly Usage[]): Usage {
  const merged = new Map<string, Set<string>>();
  for (const [coordinate, files] of usages.flatMap((usage) => [...usage])) {
    merged.set(coordinate, new Set([...(merged.get(coordinate) ?? []), ...files]));
  }
  return merged;
}

/** A message with the files that use the changed thing, or else the field or type around it. */
function withFiles(message: string, usage: Usage, coordinate: string): string {
  const above = coordinate.includes('.') ? coordinate.slice(0, coordinate.lastIndexOf('.')) : '';
  const files = [...(usage.get(coordinate) ?? usage.get(above) ?? [])].toSorted();
  return files.length > 0 ? `${message} (${files.join(', ')})` : message;
}

/** What GitLab calls deprecated in the slice, with GitLab's reason. */
function deprecatedIn(schema: GraphQLSchema, slice: GraphQLSchema, usage: Usage): string[] {
  const lines = (coordinate: string, reason: string | null | undefined) =>
    typeof reason === 'string' ? [withFiles(`${coordinate}: ${reason.replaceAll(/\s+/g, ' ').trim()}`, usage, coordinate)] : [];
  return Object.values(slice.getTypeMap()).flatMap((sliced) => {
    const type = schema.getType(sliced.name);
    if (isEnumType(sliced) && isEnumType(type)) {
      return sliced.getValues().flatMap(({ name }) => lines(`${type.name}.${name}`, type.getValue(name)?.deprecationReason));
    }
    if (!isObjectType(sliced) || !isObjectType(type) || type.name.startsWith('__')) return [];
    return Object.keys(sliced.getFields()).flatMap((name) => {
      const field = type.getFields()[name];
      const args = (field?.args ?? []).flatMap((argument) => lines(`${type.name}.${name}.${argument.name}`, argument.deprecationReason));
      return [...lines(`${type.name}.${name}`, field?.deprecationReason), ...args];
    });
  });
}
