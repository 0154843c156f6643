import { readFileSync } from 'node:fs';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { withOptionalFields } from './scripts/optional-fields.ts';

const config: CodegenConfig = {
  schema: withOptionalFields(readFileSync('schema/gitlab.graphql', 'utf8')),
  documents: 'queries/*.graphql',
  generates: {
    'src/gitlab/generated/sdk.ts': {
      plugins: ['typescript-operations', 'typescript-graphql-request'],
      config: {
        documentMode: 'documentNode',
        rawRequest: true,
        useTypeImports: true,
        skipTypename: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { BigInt: 'string', Time: 'string', CiPipelineID: 'string', ContainerRepositoryID: 'string' },
        immutableTypes: true,
        dedupeFragments: true,
      },
    },
  },
};

export default config;
