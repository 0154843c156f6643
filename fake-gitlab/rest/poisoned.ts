import { whoops } from '../graphql/poisoned.ts';
import { nullableField } from '../world/poison.ts';
import type { Poison, Poisons, Subject } from '../world/poison.ts';
import type { RestReply } from './reply.ts';

interface Faults {
  readonly poisons: Poisons;
  readonly subjects: readonly Subject[];
}

/** The answer for a page of rows, with the fault of the first row that has a fault. */
export function poisonedList(reply: RestReply, rows: readonly unknown[], { poisons, subjects }: Faults): RestReply {
  if (poisons.isEmpty) return reply;
  const body: unknown[] = [];
  for (const [index, row] of rows.entries()) {
    const poison = poisonOf(poisons, subjects[index], row);
    if (poison && !isNull(poison)) return failed(poison, reply, error500);
    body.push(poison ? withoutFields(row, poison) : row);
  }
  return { ...reply, body };
}

/** The answer for one object, with the fault of the object. */
export function poisonedObject(reply: RestReply, poisons: Poisons, subject: Subject): RestReply {
  const poison = poisonOf(poisons, subject, reply.body);
  if (poison && isNull(poison)) return { ...reply, body: withoutFields(reply.body, poison) };
  const notFound = { status: 404, body: { message: `404 ${restNames[subject.type] ?? ''}Not Found` } };
  return poison ? failed(poison, reply, notFound) : reply;
}

const isNull = ({ how }: Poison) => how === 'null-field' || how === 'silent-null';
const error500: RestReply = { status: 500, body: { message: '500 Internal Server Error' } };
const restNames: Partial<Record<Subject['type'], string>> = { tag: 'Tag ', commit: 'Commit ' };

function failed({ how }: Poison, reply: RestReply, nullNode: RestReply): RestReply {
  if (how === 'null-node') return nullNode;
  if (how === 'timeout') return { status: 504, html: '<h1>504 Gateway Time-out</h1>' };
  if (how === '502-html') return { status: 502, html: whoops };
  if (how === 'statement-timeout-503') return { status: 503, body: { message: '503 Service Unavailable' } };
  return how === 'cut-off' ? { ...reply, isCutOff: true } : error500;
}

/** The fault of an object in a REST answer. Faults name fields as in GraphQL. */
function poisonOf(poisons: Poisons, subject: Subject | undefined, row: unknown): Poison | undefined {
  if (poisons.isEmpty || !subject || typeof row !== 'object' || row === null) return undefined;
  return poisons.of(subject, Object.keys(row).map(camelCase));
}

const camelCase = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function withoutFields(row: unknown, { type, fields }: Poison): unknown {
  const gone = fields === undefined || fields === 'all' ? [nullableField[type]] : fields;
  return Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, gone.includes(camelCase(name)) ? null : value]));
}
