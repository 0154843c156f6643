import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CheckReport, SyncReport } from '../../src/index.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import { foreignTables } from '../support/foreign-tables.ts';
import { painchain02Tables, painchainTables, statementsOf } from '../support/painchain.ts';
import type { PainchainVersion } from '../support/painchain.ts';
import { addPainchainConnection, storeAsPainchain } from '../support/painchain-rows.ts';
import { runCli } from '../support/run-cli.ts';

const file = 'docs/painchain.md';

let world: World;
let served: Served;
beforeAll(async () => {
  world = new World();
  const project = world.addProject('acme/shop');
  project.openMergeRequest({ title: 'Add a cart', author: 'ada' });
  project.startPipeline({ ref: 'main' });
  project.git.commit('main', { title: 'Start', authorName: 'Ada' });
  project.createRelease({ tag: 'v1' });
  project.pushTag(project.addImageRepository(''), 'v1');
  served = await serve(createFakeGitlab(world));
});
afterAll(() => served.close());

/** What is in a database before this connector sees it. */
interface Found {
  readonly tables: string;
  /** Whose connector has filled it. */
  readonly filled?: PainchainVersion;
}

const usable: Readonly<Record<string, Found>> = {
  'no tables': { tables: '' },
  'PainChain 0.1, new': { tables: painchainTables },
  'PainChain 0.1, filled by its connector': { tables: painchainTables, filled: '0.1' },
  'PainChain 0.1, made by SQLAlchemy (JSON is `json`)': { tables: painchainTables.replaceAll('jsonb', 'json'), filled: '0.1' },
  'PainChain 0.2, new': { tables: painchain02Tables },
  'PainChain 0.2, filled by its connector': { tables: painchain02Tables, filled: '0.2' },
  'PainChain 0.1, with columns of others that may stay empty': {
    tables: `${painchainTables}; alter table change_events add column note text, add column severity text not null default 'low'`,
  },
  'PainChain 0.2, with columns of others that may stay empty': {
    tables: `${painchain02Tables}; alter table change_events add column note text, add column severity text not null default 'low'`,
  },
  'times of 0.1 rounded to seconds': { tables: painchainTables.replace('"timestamp" timestamp', '"timestamp" timestamp(0)') },
};

const headings = ['the database holds', '`check` says', '`migrate`', 'first sync: new, changed', 'second sync', 'reconcile'];

/** Runs the commands as a user would, and resolves to the cells of a row. */
async function resultOf({ tables, filled }: Found): Promise<string[]> {
  const { options, remove } = await createTestDatabase('postgres');
  const env = {
    DATABASE_URL: options.databaseUrl ?? '',
    GITLAB_URL: served.url,
    GITLAB_TOKEN: goodToken,
    BRANCHES: 'main',
    REPOS: 'acme/shop',
  };
  try {
    const database = await openDatabase(options);
    for (const statement of statementsOf(tables)) await database.em.fork().execute(statement);
    if (filled) {
      const connectionId = await addPainchainConnection(database.em, 'gitlab', { url: served.url });
      for (const project of world.projects) await storeAsPainchain(database.em, filled, { connectionId, project });
    }
    await database.close();
    const { checks } = JSON.parse((await runCli(['check', '--json'], env)).out) as CheckReport;
    const { result = '', detail = '' } = checks.find(({ check }) => check === 'database') ?? {};
    const checked =
      result === 'ok'
        ? `ok${detail.replace(/^PostgreSQL [^,;]+, as \w+/, '').replace(/^; /, ': ')}`
        : `${result}: ${detail.replace(/^PostgreSQL [^:]+: /, '')}`;
    const migrated = await runCli(['migrate'], env);
    const cells = [checked, migrated.code === 0 ? 'migrates' : 'refuses'];
    for (const args of [[], [], ['--reconcile']]) {
      const { code, out } = await runCli(['sync', '--json', ...args], env);
      cells.push(code === 0 ? countsOf(JSON.parse(out) as SyncReport) : 'nothing stored');
    }
    return cells;
  } finally {
    await remove();
  }
}

function countsOf({ streams }: SyncReport): string {
  const sum = (key: 'inserted' | 'updated') => Object.values(streams).reduce((total, counts) => total + counts[key], 0);
  return `${sum('inserted')}, ${sum('updated')}`;
}

test('the table of docs/painchain.md is what the commands do, and nothing is called ok in which nothing can be stored', async () => {
  const rows: string[][] = [];
  for (const [name, found] of Object.entries(usable)) rows.push([name, ...(await resultOf(found))]);
  for (const [name, tables] of foreignTables) rows.push([name, ...(await resultOf({ tables }))]);
  for (const [name, checked, migrated, first, second, reconciled] of rows) {
    const stores = checked?.startsWith('ok');
    expect([name, migrated, second, reconciled]).toEqual([
      name,
      ...(stores ? ['migrates', '0, 0', '0, 0'] : ['refuses', 'nothing stored', 'nothing stored']),
    ]);
    const allowed = stores ? ['5, 0', '0, 5'] : ['nothing stored'];
    expect(allowed.map((counts) => `${name}: ${counts}`)).toContain(`${name}: ${first}`);
  }
  const lines = [headings, headings.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  const table = `<!-- UPDATE_DOCS=1 npx vitest run test/operations/painchain-doc writes this table -->\n\n${lines.join('\n')}\n`;
  const [before = '', after = ''] = readFileSync(file, 'utf8').split(/<!-- UPDATE_DOCS=1 [\s\S]*?\n\n(?:\|.*\n)*/);
  if (process.env['UPDATE_DOCS']) writeFileSync(file, `${before}${table}${after}`);
  expect(readFileSync(file, 'utf8')).toBe(`${before}${table}${after}`);
});
