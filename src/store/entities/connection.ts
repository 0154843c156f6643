import { defineEntity, p } from '@mikro-orm/postgresql';

const schema = defineEntity({
  name: 'ConnectionEntity',
  tableName: 'connections',
  properties: {
    id: p.integer().primary(),
    name: p.string().columnType('text'),
    /** Kind of source. This connector reads rows of type `gitlab`. */
    type: p.string().columnType('text'),
    /** The keys of PainChain's connection form. Rows that this connector creates never contain the token. */
    config: p.json<Record<string, unknown>>().nullable(),
    enabled: p.boolean().nullable().default(true),
    tags: p.text().nullable(),
    /** End of the last pass that read the connection, complete or not. PainChain's scheduler writes it too, after each call of its connector, also after one that failed. */
    lastSync: p.datetime().columnType('timestamptz').nullable(),
    createdAt: p.datetime().columnType('timestamptz').nullable().defaultRaw('now()'),
    updatedAt: p.datetime().columnType('timestamptz').nullable().defaultRaw('now()'),
  },
});

/** A source of PainChain: one GitLab, read with one token. Table `connections`, shared with PainChain. */
export class ConnectionEntity extends schema.class {}
schema.setClass(ConnectionEntity);
