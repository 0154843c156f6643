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

/** GitLab names five missing things at once; a document has fewer than a hundred that it can do without. */
const maxRounds = 20;

/** What is learnt, and where it is told. */
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
 * A client that asks each GitLab for what it has: what its validation errors say is missing is left out of this document
 * and of all that follow, and is null in their answers.
 * Rejects with UnsupportedGitlabError when it cannot be left out.
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
    for (const { name } of news) log.warn({ missing: name }, 'GitLab does not have this: left out');
    const answer = await send(text, variables);
    const missing = answer.data ? [] : missingIn(answer.errors ?? [], parse(text));
    // The same text once more would only be refused once more.
    if (missing.length === 0 || text === refused || round === maxRounds) {
      return isWhole ? answer : { ...answer, data: fillNulls(answer.data, asked.document) };
    }
    refused = text;
    news = missing.filter((one) => learned.note(one));
  }
}

/** What to send of a document; most GitLabs have all of it. */
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
