import {
  GraphQLInterfaceType,
  GraphQLObjectType,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  getNamedType,
  isLeafType,
  isOutputType,
  isRequiredArgument,
  validate,
  visit,
} from 'graphql';
import type {
  ASTNode,
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  GraphQLNamedType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
  TypeNode,
} from 'graphql';

import { declaredIn, wrongLiteral, wrongUsages } from './inputs.ts';
import type { Declared } from './inputs.ts';

/** An error as GitLab's GraphQL library words it. */
export interface ValidationError {
  readonly message: string;
  readonly locations?: ReadonlyArray<{ readonly line: number; readonly column: number }>;
  readonly path?: readonly string[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A field of a type, or a field of introspection. */
export function fieldOf(
  schema: GraphQLSchema,
  type: GraphQLNamedType | undefined,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === '__typename') return TypeNameMetaFieldDef;
  if (type === schema.getQueryType() && name === '__schema') return SchemaMetaFieldDef;
  if (type === schema.getQueryType() && name === '__type') return TypeMetaFieldDef;
  return type instanceof GraphQLObjectType || type instanceof GraphQLInterfaceType ? type.getFields()[name] : undefined;
}

/** What a definition uses, except below an unknown field, where validation stops. */
interface Used {
  readonly variables: Set<string>;
  readonly fragments: Set<string>;
}

interface Walk {
  readonly schema: GraphQLSchema;
  readonly errors: ValidationError[];
  readonly used: Used;
  /** The variables that the document's operations declare. The documents here have one operation. */
  readonly variables: Declared;
}

/**
 * Errors of a document, in the order and the words of graphql-ruby (lib/graphql/static_validation/): first unknown fields,
 * arguments and types, without a look inside of them; then unused variables and fragments.
 */
export function validateLikeGitlab(schema: GraphQLSchema, document: DocumentNode): ValidationError[] {
  const errors: ValidationError[] = [];
  const usedBy = new Map<ASTNode, Used>();
  const variables = declaredIn(document);
  for (const node of document.definitions) {
    if (node.kind !== 'OperationDefinition' && node.kind !== 'FragmentDefinition') continue;
    const used: Used = { variables: new Set(), fragments: new Set() };
    usedBy.set(node, used);
    walkDefinition({ schema, errors, used, variables }, node);
  }
  errors.push(...unknownVariables(document, usedBy), ...unusedVariables(document, usedBy));
  errors.push(...unknownFragments(document, usedBy), ...unusedFragments(document, usedBy));
  if (errors.length > 0) return errors;
  // graphql-js finds the errors for which there is no rule here, and words them itself.
  return validate(schema, document).map(({ message, locations }) => ({ message, ...(locations ? { locations } : {}) }));
}

function walkDefinition(walk: Walk, node: OperationDefinitionNode | FragmentDefinitionNode): void {
  const { schema, errors } = walk;
  if (node.kind === 'OperationDefinition') {
    const path = [operationPath(node)];
    for (const { variable, type, loc } of node.variableDefinitions ?? []) {
      const [typeName, variableName] = [namedTypeOf(type), variable.name.value];
      if (schema.getType(typeName)) continue;
      const message = `${typeName} isn't a defined input type (on $${variableName})`;
      errors.push({ message, ...at(loc), path, extensions: { code: 'variableRequiresValidType', typeName, variableName } });
    }
    walkSelections(walk, node.selectionSet, schema.getQueryType() ?? undefined, path);
    return;
  }
  walkCondition(walk, node, [`fragment ${node.name.value}`]);
}

function walkCondition(walk: Walk, node: FragmentDefinitionNode, path: readonly string[]): void {
  const typeName = node.typeCondition.name.value;
  const type = walk.schema.getType(typeName);
  if (type) {
    walkSelections(walk, node.selectionSet, type, path);
    return;
  }
  const message = `No such type ${typeName}, so it can't be a fragment condition`;
  walk.errors.push({ message, ...at(node.loc), path, extensions: { code: 'undefinedType', typeName } });
}

function walkSelections(walk: Walk, { selections }: SelectionSetNode, type: GraphQLNamedType | undefined, path: readonly string[]): void {
  for (const node of selections) {
    if (node.kind === 'Field') walkField(walk, node, type, path);
    else if (node.kind === 'FragmentSpread') walk.used.fragments.add(node.name.value);
    else {
      const condition = node.typeCondition?.name.value;
      const below = condition === undefined ? type : walk.schema.getType(condition);
      walkSelections(walk, node.selectionSet, below, [...path, condition === undefined ? '...' : `... on ${condition}`]);
    }
  }
}

function walkField(walk: Walk, node: FieldNode, type: GraphQLNamedType | undefined, above: readonly string[]): void {
  const { schema, errors, used, variables } = walk;
  const fieldName = node.name.value;
  const path = [...above, (node.alias ?? node.name).value];
  const field = fieldOf(schema, type, fieldName);
  if (!field) {
    const typeName = type?.name;
    const message = `Field '${fieldName}' doesn't exist on type '${typeName}'`;
    errors.push({ message, ...at(node.loc), path, extensions: { code: 'undefinedField', typeName, fieldName } });
    return;
  }
  for (const directive of node.directives ?? []) noteVariables(used, directive);
  for (const argument of node.arguments ?? []) {
    const argumentName = argument.name.value;
    const definition = field.args.find(({ name }) => name === argumentName);
    if (definition) {
      noteVariables(used, argument);
      const place = { argument, fieldName, type: definition.type, path: [...path, argumentName] };
      errors.push(...wrongLiteral(place), ...wrongUsages(schema, place, variables));
      continue;
    }
    const message = `Field '${fieldName}' doesn't accept argument '${argumentName}'`;
    const extensions = { code: 'argumentNotAccepted', name: fieldName, typeName: 'Field', argumentName };
    errors.push({ message, ...at(argument.loc), path: [...path, argumentName], extensions });
  }
  const given = new Set((node.arguments ?? []).map(({ name }) => name.value));
  const needed = field.args.filter((argument) => isRequiredArgument(argument) && !given.has(argument.name)).map(({ name }) => name);
  if (needed.length > 0) {
    const message = `Field '${fieldName}' is missing required arguments: ${needed.join(', ')}`;
    const extensions = { code: 'missingRequiredArguments', className: 'Field', name: fieldName, arguments: needed.join(', ') };
    errors.push({ message, ...at(node.loc), path, extensions });
  }
  const named = getNamedType(field.type);
  if (isLeafType(named) === (node.selectionSet !== undefined)) errors.push(wrongSelection(node, named.name, path));
  if (node.selectionSet && isOutputType(field.type)) {
    walkSelections(walk, node.selectionSet, named, path);
  }
}

function wrongSelection(node: FieldNode, typeName: string, path: readonly string[]): ValidationError {
  const name = node.name.value;
  const message = node.selectionSet
    ? `Selections can't be made on scalars (field '${name}' returns ${typeName} but has selections [${selectionNames(node.selectionSet)}])`
    : `Field must have selections (field '${name}' returns ${typeName} but has no selections. Did you mean '${name} { ... }'?)`;
  return { message, ...at(node.loc), path: [...path], extensions: { code: 'selectionMismatch', nodeName: `field '${name}'`, typeName } };
}

const selectionNames = ({ selections }: SelectionSetNode) =>
  selections.flatMap((node) => (node.kind === 'Field' ? [JSON.stringify(node.name.value)] : [])).join(', ');

const noteVariables = ({ variables }: Used, node: ASTNode) => visit(node, { Variable: ({ name }) => void variables.add(name.value) });

/** Variables that a definition and its fragments use. */
function variablesUsed({ definitions }: DocumentNode, usedBy: ReadonlyMap<ASTNode, Used>): (node: ASTNode) => ReadonlySet<string> {
  const fragments = new Map(definitions.flatMap((node) => (node.kind === 'FragmentDefinition' ? [[node.name.value, node]] : [])));
  const variablesOf = (node: ASTNode | undefined, seen: Set<ASTNode>): string[] => {
    const used = node && usedBy.get(node);
    if (!used || seen.has(node)) return [];
    seen.add(node);
    return [...used.variables, ...[...used.fragments].flatMap((name) => variablesOf(fragments.get(name), seen))];
  };
  return (node) => new Set(variablesOf(node, new Set()));
}

function unknownVariables(document: DocumentNode, usedBy: ReadonlyMap<ASTNode, Used>): ValidationError[] {
  const variablesOf = variablesUsed(document, usedBy);
  return document.definitions.flatMap((node) => {
    if (node.kind !== 'OperationDefinition') return [];
    const declared = new Set((node.variableDefinitions ?? []).map(({ variable }) => variable.name.value));
    return [...variablesOf(node)].flatMap((variableName) => {
      if (declared.has(variableName)) return [];
      const message = `Variable $${variableName} is used by ${node.name?.value ?? 'anonymous query'} but not declared`;
      return [{ message, ...at(node.loc), path: [operationPath(node)], extensions: { code: 'variableNotDefined', variableName } }];
    });
  });
}

function unusedVariables(document: DocumentNode, usedBy: ReadonlyMap<ASTNode, Used>): ValidationError[] {
  const variablesOf = variablesUsed(document, usedBy);
  return document.definitions.flatMap((node) => {
    if (node.kind !== 'OperationDefinition') return [];
    const used = variablesOf(node);
    const unused = (node.variableDefinitions ?? []).map(({ variable }) => variable.name.value).filter((name) => !used.has(name));
    return unused.map((variableName) => ({
      message: `Variable $${variableName} is declared by ${node.name?.value ?? 'anonymous query'} but not used`,
      ...at(node.loc),
      path: [operationPath(node)],
      extensions: { code: 'variableNotUsed', variableName },
    }));
  });
}

function unknownFragments({ definitions }: DocumentNode, usedBy: ReadonlyMap<ASTNode, Used>): ValidationError[] {
  const defined = new Set(definitions.flatMap((node) => (node.kind === 'FragmentDefinition' ? [node.name.value] : [])));
  const used = new Set([...usedBy.values()].flatMap(({ fragments }) => [...fragments]));
  return [...used].flatMap((fragmentName) => {
    if (defined.has(fragmentName)) return [];
    const message = `Fragment ${fragmentName} was used, but not defined`;
    return [{ message, extensions: { code: 'useAndDefineFragment', fragmentName } }];
  });
}

function unusedFragments({ definitions }: DocumentNode, usedBy: ReadonlyMap<ASTNode, Used>): ValidationError[] {
  const used = new Set([...usedBy.values()].flatMap(({ fragments }) => [...fragments]));
  return definitions.flatMap((node) => {
    if (node.kind !== 'FragmentDefinition' || used.has(node.name.value)) return [];
    const fragmentName = node.name.value;
    const extensions = { code: 'useAndDefineFragment', fragmentName };
    return [
      { message: `Fragment ${fragmentName} was defined, but not used`, ...at(node.loc), path: [`fragment ${fragmentName}`], extensions },
    ];
  });
}

const operationPath = ({ operation, name }: OperationDefinitionNode) => (name ? `${operation} ${name.value}` : operation);
const namedTypeOf = (type: TypeNode): string => (type.kind === 'NamedType' ? type.name.value : namedTypeOf(type.type));
const at = (loc: ASTNode['loc']) => (loc ? { locations: [{ line: loc.startToken.line, column: loc.startToken.column }] } : {});
