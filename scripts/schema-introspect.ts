import { GraphQLSchema, Kind, buildClientSchema, specifiedDirectives } from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  IntrospectionEnumType,
  IntrospectionField,
  IntrospectionInputObjectType,
  IntrospectionInputValue,
  IntrospectionObjectType,
  IntrospectionQuery,
  IntrospectionType,
  IntrospectionTypeRef,
  SelectionSetNode,
} from 'graphql';

/** Sends a query to a GitLab. Resolves to the data of the answer. */
export type AskGitlab = (query: string, variables: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, unknown>>>;

/** The part of a schema that was pulled. */
export interface PulledSchema {
  /** The schema with the fields and arguments that the documents use, and the arguments that the schema requires. */
  readonly schema: GraphQLSchema;
  /** Whether the schema was asked for a type with this name and has no such type. */
  readonly isGone: (type: string) => boolean;
  /** Types whose kind a slice cannot contain, each in a sentence. `schema` has no fields of these types. */
  readonly strange: readonly string[];
}

/** Each type costs 55 points, and a guest may use 200 points in a request. */
const typesPerRequest = 3;

const typeFields = `
  fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
  fragment Input on __InputValue { name defaultValue isDeprecated deprecationReason type { ...Ref } }
  fragment Type on __Type {
    kind
    name
    fields(includeDeprecated: true) {
      name
      isDeprecated
      deprecationReason
      args(includeDeprecated: true) { ...Input }
      type { ...Ref }
    }
    inputFields { name defaultValue type { ...Ref } }
    enumValues(includeDeprecated: true) { name isDeprecated deprecationReason }
  }`;

/**
 * Reads the part of a GitLab's schema that the documents use. Requests a few types at a time and follows the types of the fields
 * in use, because the whole schema in one request is more than a GitLab answers to a guest.
 */
export async function introspect(ask: AskGitlab, documents: DocumentNode): Promise<PulledSchema> {
  const known = new Map<string, IntrospectionType | null>();
  for (let wanted = reached(documents, known).unknown; wanted.length > 0; wanted = reached(documents, known).unknown) {
    for (let start = 0; start < wanted.length; start += typesPerRequest) {
      const names = wanted.slice(start, start + typesPerRequest);
      const types = await askTypes(ask, names);
      for (const [index, name] of names.entries()) known.set(name, types[index] ?? null);
    }
  }
  const strange = [...known.values()].flatMap((type) =>
    type && !sliceable.has(type.kind) ? [`Type '${type.name}' is of the kind ${type.kind}: scripts/ has to learn to slice it`] : [],
  );
  return { schema: assemble(known, reached(documents, known).used), isGone: (type) => known.get(type) === null, strange };
}

const sliceable: ReadonlySet<string> = new Set(['OBJECT', 'INTERFACE', 'ENUM', 'INPUT_OBJECT', 'SCALAR']);

async function askTypes(ask: AskGitlab, names: readonly string[]): Promise<Array<IntrospectionType | null>> {
  const keys = names.map((_, index) => `type${index}`);
  const variables = keys.map((key) => `$${key}: String!`).join(', ');
  const types = keys.map((key) => `${key}: __type(name: $${key}) { ...Type }`).join(' ');
  const values = Object.fromEntries(names.map((name, index) => [`type${index}`, name]));
  const data = await ask(`query Types(${variables}) { ${types} } ${typeFields}`, values);
  return keys.map((key) => asObject((data[key] ?? null) as IntrospectionType | null));
}

/** Of an interface the queries select its own fields only: for them it is an object like any other. */
const asObject = (type: IntrospectionType | null): IntrospectionType | null =>
  type?.kind === 'INTERFACE' ? { ...type, kind: 'OBJECT', interfaces: [] } : type;

/** Fields in use, by type, each with its arguments in use. */
type Used = Map<string, Map<string, Set<string>>>;

interface Reached {
  readonly used: Used;
  /** Types that have to be requested next. */
  readonly unknown: readonly string[];
}

function reached(documents: DocumentNode, known: ReadonlyMap<string, IntrospectionType | null>): Reached {
  const used: Used = new Map();
  const unknown = new Set<string>();
  const reach = (name: string): IntrospectionType | null => {
    const type = known.get(name);
    if (type === undefined) unknown.add(name);
    else if (type?.kind === 'INPUT_OBJECT') for (const field of type.inputFields) reachRef(field.type);
    return type ?? null;
  };
  const seen = new Set<string>();
  const reachRef = (ref: IntrospectionTypeRef) => {
    const { kind, name } = namedRef(ref);
    // Scalars have no fields.
    if (kind === 'SCALAR' || seen.has(name)) return;
    seen.add(name);
    reach(name);
  };
  const walk = (name: string, { selections }: SelectionSetNode) => {
    const type = reach(name);
    for (const node of selections) {
      if (node.kind === Kind.INLINE_FRAGMENT) walk(node.typeCondition?.name.value ?? name, node.selectionSet);
      if (node.kind === Kind.FIELD && type?.kind === 'OBJECT') walkField(type, node);
    }
  };
  const walkField = (type: IntrospectionObjectType, node: FieldNode) => {
    const field = type.fields.find(({ name }) => name === node.name.value);
    if (!field) return;
    const fields = used.get(type.name) ?? new Map<string, Set<string>>();
    used.set(type.name, fields);
    const args = fields.get(field.name) ?? new Set();
    fields.set(field.name, args);
    for (const { name } of node.arguments ?? []) args.add(name.value);
    for (const argument of field.args) if (args.has(argument.name) || isRequired(argument)) reachRef(argument.type);
    if (node.selectionSet) walk(namedRef(field.type).name, node.selectionSet);
    else reachRef(field.type);
  };
  for (const node of documents.definitions) {
    if (node.kind === Kind.OPERATION_DEFINITION) walk('Query', node.selectionSet);
    if (node.kind === Kind.FRAGMENT_DEFINITION) walk(conditionOf(node), node.selectionSet);
  }
  return { used, unknown: [...unknown] };
}

const conditionOf = ({ typeCondition }: FragmentDefinitionNode) => typeCondition.name.value;
const isRequired = ({ type, defaultValue }: IntrospectionInputValue) => type.kind === 'NON_NULL' && (defaultValue ?? null) === null;

function namedRef(ref: IntrospectionTypeRef): { readonly kind: string; readonly name: string } {
  return 'ofType' in ref && ref.ofType ? namedRef(ref.ofType) : (ref as { kind: string; name: string });
}

/** Builds a schema from the types that were requested, with the fields and arguments in use. */
function assemble(known: ReadonlyMap<string, IntrospectionType | null>, used: Used): GraphQLSchema {
  const isKnown = (ref: IntrospectionTypeRef) => {
    const { kind, name } = namedRef(ref);
    return kind === 'SCALAR' || (sliceable.has(kind) && (known.get(name) ?? null) !== null);
  };
  const types = [...known.values()].flatMap((type): AssembledType[] => {
    if (type?.kind === 'OBJECT') {
      const fields = fieldsOf(type, used.get(type.name)).filter((field) => isKnown(field.type));
      return [{ ...type, interfaces: [], fields }];
    }
    return type?.kind === 'ENUM' || type?.kind === 'INPUT_OBJECT' ? [type] : [];
  });
  const scalars = new Set(
    types
      .flatMap(refsOf)
      .map(namedRef)
      .flatMap(({ kind, name }) => (kind === 'SCALAR' ? [name] : [])),
  );
  const introspection = {
    __schema: {
      queryType: { kind: 'OBJECT', name: 'Query' },
      types: [...types, ...[...scalars].map((name) => ({ kind: 'SCALAR', name }))],
      directives: [],
    },
  };
  const schema = buildClientSchema(introspection as unknown as IntrospectionQuery, { assumeValid: true });
  // Every server has `@include` and `@skip`, so they are not requested.
  return new GraphQLSchema({ ...schema.toConfig(), directives: specifiedDirectives });
}

type AssembledType = IntrospectionObjectType | IntrospectionEnumType | IntrospectionInputObjectType;

function fieldsOf({ fields }: IntrospectionObjectType, used: ReadonlyMap<string, ReadonlySet<string>> | undefined): IntrospectionField[] {
  return fields
    .filter(({ name }) => used?.has(name))
    .map((field) => ({
      ...field,
      args: field.args.filter((argument) => used?.get(field.name)?.has(argument.name) || isRequired(argument)),
    }));
}

function refsOf(type: AssembledType): IntrospectionTypeRef[] {
  if (type.kind === 'OBJECT') return type.fields.flatMap((field) => [field.type, ...field.args.map((argument) => argument.type)]);
  return type.kind === 'INPUT_OBJECT' ? type.inputFields.map((field) => field.type) : [];
}
