import { readFileSync } from 'node:fs';
import { buildASTSchema, parse, visit } from 'graphql';
import type { DocumentNode, FieldDefinitionNode, GraphQLSchema, InputValueDefinitionNode, TypeNode } from 'graphql';

/** The versions of GitLab whose schemas are known here. 13.12 is too old for the connector. */
export const gitlabVersions = ['13.12', '16.2', '17.5', '18.4', '18.8'] as const;

/** One of `gitlabVersions`. */
export type GitlabVersion = (typeof gitlabVersions)[number];

/** The schema of a fake GitLab. */
export interface SchemaVariant {
  readonly version: GitlabVersion;
  readonly edition: 'CE' | 'EE';
  /** Removed in addition: `MergeRequest.upvotes`, `Project.pipelines(ref:)`, `CiJobStatus.CANCELING`, a type `MergeStatus`. */
  readonly lacks?: readonly string[];
  /** Changes the text of the schema before anything is removed. */
  readonly edit?: (sdl: string) => string;
}

/** The schema that schema/gitlab.graphql is a slice of. */
export const latest: SchemaVariant = { version: '18.8', edition: 'EE' };

/**
 * What each version added, found by comparing the schemas of these versions: everything that the queries use, and some fields
 * that they may use later.
 */
const newIn: Readonly<Record<GitlabVersion, readonly string[]>> = {
  '13.12': [],
  '16.2': [
    'CiJob.failureMessage',
    'CiJob.kind',
    'CiJob.retried',
    'CiJob.webPath',
    'Deployment',
    'DeploymentConnection',
    'DeploymentTier',
    'Environment.updatedAt',
    'MergeRequest.commits',
    'MergeRequest.detailedMergeStatus',
    'MergeRequest.mergeStatusEnum',
    'MergeStatus',
    'Metadata.enterprise',
    'Pipeline.commit',
    'Pipeline.jobs(jobKind:)',
    'Pipeline.jobs(retried:)',
    'Pipeline.ref',
    'Project.mergeRequests(createdAfter:)',
    'Project.mergeRequests(updatedAfter:)',
    'Project.mergeRequests(updatedBefore:)',
    'Project.pipelines(scope:)',
    'Project.pipelines(source:)',
    'Project.pipelines(updatedAfter:)',
    'Project.pipelines(updatedBefore:)',
    'Query.queryComplexity',
    'Release.id',
  ],
  '17.5': [
    'CiJobStatus.CANCELING',
    'CiJobStatus.WAITING_FOR_CALLBACK',
    'ContainerRepositoryTag.publishedAt',
    'ContainerRepositoryTagSort.PUBLISHED_AT_DESC',
    'MergeRequest.closedAt',
    'Pipeline.failureReason',
    'Pipeline.name',
    'Pipeline.source',
    'Pipeline.totalJobs',
    'PipelineStatusEnum.CANCELING',
    'PipelineStatusEnum.WAITING_FOR_CALLBACK',
    'Project.updatedAt',
    'Query.projects(archived:)',
    'Query.projects(fullPaths:)',
  ],
  '18.4': ['CiJob.exitCode', 'MergeRequest.changeRequesters', 'Query.projects(active:)'],
  '18.8': ['Pipeline.failedJobsCount', 'Project.mergeRequests(closedAfter:)', 'Project.pipelines(refType:)', 'Repository.commits'],
};

/** What only Enterprise Edition has (ee/app/graphql/ee/types/merge_request_type.rb and its neighbours). No query may need it. */
const enterpriseOnly = [
  'MergeRequest.approvalState',
  'MergeRequest.approvalsLeft',
  'MergeRequest.approvalsRequired',
  'MergeRequest.changeRequesters',
  'Pipeline.securityReportFindings',
  'Pipeline.securityReportSummary',
  'Project.mergeRequests(approver:)',
];

const sdl = readFileSync(new URL('../../schema/gitlab.graphql', import.meta.url), 'utf8');
const parsed = parse(sdl);
const built = new WeakMap<SchemaVariant, GraphQLSchema>();

/** The schema of a variant: the slice without what the version, the edition and the variant lack. */
export function schemaOf(variant: SchemaVariant): GraphQLSchema {
  const known = built.get(variant);
  if (known) return known;
  const { version, edition, lacks = [], edit } = variant;
  const newer = gitlabVersions.slice(gitlabVersions.indexOf(version) + 1).flatMap((later) => newIn[later]);
  const missing = new Set([...newer, ...(edition === 'CE' ? enterpriseOnly : []), ...lacks]);
  // A type may lose its last field. The schema is then invalid, which does not matter: no valid query uses that type.
  const schema = buildASTSchema(without(edit ? parse(edit(sdl)) : parsed, missing), { assumeValid: true });
  built.set(variant, schema);
  return schema;
}

function without(document: DocumentNode, missing: ReadonlySet<string>): DocumentNode {
  const keeps = ({ type }: FieldDefinitionNode | InputValueDefinitionNode) => !missing.has(namedType(type));
  const keptArguments = (type: string, { name: field, arguments: args = [] }: FieldDefinitionNode) =>
    args.filter((argument) => keeps(argument) && !missing.has(`${type}.${field.value}(${argument.name.value}:)`));
  return visit(document, {
    ObjectTypeDefinition: (node) => ({
      ...node,
      fields: (node.fields ?? [])
        .filter((field) => keeps(field) && !missing.has(`${node.name.value}.${field.name.value}`))
        .map((field) => ({ ...field, arguments: keptArguments(node.name.value, field) })),
    }),
    EnumTypeDefinition: (node) => {
      if (missing.has(node.name.value)) return null;
      return { ...node, values: (node.values ?? []).filter(({ name }) => !missing.has(`${node.name.value}.${name.value}`)) };
    },
  });
}

const namedType = (type: TypeNode): string => (type.kind === 'NamedType' ? type.name.value : namedType(type.type));
