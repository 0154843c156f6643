import type { DocumentNode } from 'graphql';
import { argumentKey, placesOf } from './document-fields.ts';
import type { DocumentField } from './document-fields.ts';

/** A field, argument or type that a GitLab's schema lacks. */
export interface Missing {
  /** Key of the place in a document, or of a type (`typeKey`). */
  readonly key: string;
  /** Name for people: `Pipeline.source`, `projects(fullPaths:)`, `MergeStatus`. */
  readonly name: string;
}

/** Key of a type that is missing. */
export const typeKey = (name: string): string => `type ${name}`;

interface Refusal {
  readonly kind: 'field' | 'argument' | 'type';
  /** The type that is missing, or that lacks the field. */
  readonly type?: string | undefined;
  readonly field?: string | undefined;
  readonly argument?: string | undefined;
}

/**
 * Returns what GitLab's validation errors name as missing, with the places in the refused document. Ignores other errors:
 * GitLab also reports variables and fragments that only the missing fields use.
 * https://github.com/rmosolgo/graphql-ruby/tree/master/lib/graphql/static_validation/rules
 */
export function missingIn(errors: readonly unknown[], refused: DocumentNode): Missing[] {
  const places = placesOf(refused);
  return errors.flatMap((error) => {
    const entry = entryOf(error);
    const refusal = refusalOf(entry);
    if (!refusal) return [];
    const { kind, type, field = '', argument = '' } = refusal;
    if (kind === 'type') return type ? [{ key: typeKey(type), name: type }] : [];
    const name = kind === 'field' ? [type, field].filter(Boolean).join('.') : argumentKey(field, argument);
    return placesOfRefusal(entry, refusal, places).map(({ key }) => ({ key, name }));
  });
}

/** Finds places by the path, else by the position, else by the type when the document names it. */
function placesOfRefusal(
  { path, position }: Entry,
  { kind, type, field, argument }: Refusal,
  places: readonly DocumentField[],
): DocumentField[] {
  const named = places.filter((place) => place.kind === kind && place.field === field && place.argument === argument);
  const byPath = named.filter((place) => place.path.join('/') === path.join('/'));
  if (byPath.length > 0) return byPath;
  const byPosition = named.filter((place) => place.position === position);
  return byPosition.length > 0 ? byPosition : named.filter(({ parentType }) => parentType !== undefined && parentType === type);
}

interface Entry {
  readonly message: string;
  readonly path: readonly unknown[];
  readonly position: string;
  readonly extensions: Readonly<Record<string, unknown>>;
}

interface RawEntry {
  readonly message?: unknown;
  readonly path?: unknown;
  readonly locations?: unknown;
  readonly extensions?: unknown;
}

function entryOf(error: unknown): Entry {
  const { message, path, locations, extensions } = (typeof error === 'object' && error !== null ? error : {}) as RawEntry;
  const [location] = (Array.isArray(locations) ? locations : []) as Array<{ line?: unknown; column?: unknown } | null>;
  return {
    message: typeof message === 'string' ? message : '',
    path: Array.isArray(path) ? path : [],
    position: `${String(location?.line)}:${String(location?.column)}`,
    extensions: (typeof extensions === 'object' && extensions !== null ? extensions : {}) as Readonly<Record<string, unknown>>,
  };
}

function refusalOf({ message, extensions }: Entry): Refusal | undefined {
  const text = (key: string) => (typeof extensions[key] === 'string' ? extensions[key] : undefined);
  switch (extensions.code) {
    case undefined:
      return refusalInWords(message);
    case 'undefinedField':
      return { kind: 'field', type: text('typeName'), field: text('fieldName') };
    case 'argumentNotAccepted':
      return { kind: 'argument', field: text('name'), argument: text('argumentName') };
    case 'undefinedType':
    case 'variableRequiresValidType':
      return { kind: 'type', type: text('typeName') };
    default:
      return undefined;
  }
}

/** Parses the message, for a GitLab that sends no error code. Newer versions add a suggestion to the message. */
function refusalInWords(message: string): Refusal | undefined {
  const field = /^Field '(\w+)' doesn't exist on type '(\w+)'/.exec(message);
  if (field) return { kind: 'field', field: field[1], type: field[2] };
  const argument = /^Field '(\w+)' doesn't accept argument '(\w+)'/.exec(message);
  if (argument) return { kind: 'argument', field: argument[1], argument: argument[2] };
  const type = /^No such type (\w+), so it can't be a fragment condition|^(\w+) isn't a defined input type/.exec(message);
  return type ? { kind: 'type', type: type[1] ?? type[2] } : undefined;
}
