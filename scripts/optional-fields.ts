import { parse, print, visit } from 'graphql';
import { isRequired } from '../src/gitlab/compat/required-fields.ts';

/** Makes every field nullable that a GitLab may lack, so that the generated types say what an answer may lack. */
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
