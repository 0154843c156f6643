import { parse, print, visit } from 'graphql';
import { isRequired } from '../src/gitlab/compat/required-fields.ts';

/** The schema with every field nullable that a GitLab may lack: the generated types then say what may be left out of an answer. */
export function withOptionalFields(sdl: string): string {
  const optional = visit(parse(sdl), {
    ObjectTypeDefinition: (type) => ({
      ...type,
      fields: (type.fields ?? []).map((field) =>
        field.type.kind === 'NonNullType' && !isRequired(field.name.value, type.name.value) ? { ...field, type: field.type.type } : field,
      ),
    }),
  });
  return print(optional);
}
