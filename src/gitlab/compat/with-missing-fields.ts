import { parse, print } from 'graphql';
import type { DocumentNode } from 'graphql';
import type { GraphQLClient } from 'graphql-request';
import type { Logger } from '../../log.ts';
import type { MissingFields } from './missing-fields.ts';
import { missingIn } from './validation-errors.ts';
import type { Missing } from './validation-errors.ts';
import { fillNulls } from './fill-nulls.ts';
import { pruneDocument } from './prune-document.ts';
import type { VariableValues } from './prune-document.ts';

/** GitLab names five missing fields in an answer, and a document has fewer than a hundred fields that may be missing. */
const maxRounds = 20;

/** What is known to be missing, and where to log what is new. */
export interface Learning {
  readonly learned: MissingFields;
  readonly log: Logger;
}

type Send = (query: string, variables?: VariableValues, headers?: Readonly<Record<string, string>>) => Promise<RawAnswer>;

interface RawAnswer {
  readonly data?: unknown;
  readonly errors?: readonly unknown[];
}

/**
 * Wraps a client so that a GitLab may lack fields. What GitLab's validation errors name as missing is removed from this
 * document and from all later documents, and is null in the answers.
 * Rejects with UnsupportedGitlabError when a missing field is required.
 */
export function withMissingFields(client: GraphQLClient, learning: Learning): GraphQLClient {
  const send = client.rawRequest as Send;
  const documents = new Map<string, DocumentNode>();
  const rawRequest: Send = (text, variables = {}, headers) => {
    const document = documents.get(text) ?? parse(text);
    documents.set(text, document);
    return ask((known, values) => send(known, values, headers), { text, document, variables }, learning);
  };
  return { rawRequest } as GraphQLClient;
}

interface Asked {
  readonly text: string;
  readonly document: DocumentNode;
  readonly variables: VariableValues;
}

async function ask(send: Send, asked: Asked, { learned, log }: Learning): Promise<RawAnswer> {
  let refused = '';
  let news: readonly Missing[] = [];
  for (let round = 1; ; round++) {
    const { text, variables, isWhole } = knownPart(asked, learned);
    for (const { name } of news) log.warn({ missing: name }, 'this GitLab lacks a field: requests leave it out');
    const answer = await send(text, variables);
    const missing = answer.data ? [] : missingIn(answer.errors ?? [], parse(text));
    // GitLab would refuse the same text again.
    if (missing.length === 0 || text === refused || round === maxRounds) {
      return isWhole ? answer : { ...answer, data: fillNulls(answer.data, asked.document) };
    }
    refused = text;
    news = missing.filter((one) => learned.note(one));
  }
}

/** The part of a document that this GitLab is not known to lack: in most cases all of it. */
function knownPart(
  { text, document, variables }: Asked,
  learned: MissingFields,
): Pick<Asked, 'text' | 'variables'> & { readonly isWhole: boolean } {
  if (learned.missing().length === 0) return { text, variables, isWhole: true };
  const known = pruneDocument(document, { learned, variables });
  return { text: print(known), variables: declared(known, variables), isWhole: false };
}

/** The variables that a document declares. */
function declared({ definitions }: DocumentNode, variables: VariableValues): VariableValues {
  const names = definitions.flatMap((node) =>
    node.kind === 'OperationDefinition' ? (node.variableDefinitions ?? []).map(({ variable }) => variable.name.value) : [],
  );
  return Object.fromEntries(names.flatMap((name) => (name in variables ? [[name, variables[name]]] : [])));
}
