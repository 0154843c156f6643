import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: 'schema/gitlab.graphql',
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
        scalars: { Time: 'string', CiPipelineID: 'string' },
        immutableTypes: true,
        dedupeFragments: true,
      },
    },
  },
};

export default config;
