import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/**
 * Which room may import which: arrows point one way. A room is a folder of src/, or a file of src/ itself.
 * `type` = type imports only.
 */
const arrows: Readonly<Record<string, Readonly<Record<string, 'value' | 'type'>>>> = {
  config: { errors: 'value' },
  errors: {},
  log: {},
  version: {},
  progress: {},
  events: { gitlab: 'type' },
  gitlab: { errors: 'value', log: 'value' },
  store: { errors: 'value', events: 'value', progress: 'type' },
  streams: { errors: 'value', events: 'value', gitlab: 'value', progress: 'value' },
  pass: {
    config: 'value',
    errors: 'value',
    events: 'type',
    gitlab: 'value',
    log: 'type',
    progress: 'type',
    store: 'type',
    streams: 'value',
  },
  connect: { config: 'value', errors: 'value', gitlab: 'value', log: 'value', store: 'value', 'token-file': 'value', version: 'value' },
  'token-file': { config: 'value', errors: 'value', gitlab: 'type' },
  sync: { config: 'type', connect: 'value', pass: 'value' },
  check: {
    config: 'value',
    connect: 'value',
    errors: 'value',
    gitlab: 'value',
    pass: 'value',
    store: 'value',
    streams: 'value',
  },
  plan: {
    config: 'type',
    connect: 'value',
    estimate: 'value',
    gitlab: 'value',
    pass: 'value',
    progress: 'type',
    store: 'type',
    streams: 'value',
  },
  parts: { connect: 'value', pass: 'value' },
  audit: { config: 'type', connect: 'value', gitlab: 'value', pass: 'value', progress: 'value', store: 'type' },
  estimate: { config: 'type', connect: 'value', gitlab: 'value', pass: 'value' },
  index: {
    audit: 'value',
    check: 'value',
    plan: 'value',
    estimate: 'value',
    config: 'value',
    connect: 'type',
    errors: 'value',
    events: 'type',
    gitlab: 'value',
    log: 'type',
    pass: 'type',
    progress: 'type',
    store: 'value',
    sync: 'value',
    version: 'value',
  },
  service: {
    config: 'value',
    connect: 'type',
    errors: 'value',
    gitlab: 'type',
    log: 'type',
    parts: 'value',
    pass: 'type',
    store: 'value',
    streams: 'value',
    sync: 'value',
    version: 'value',
  },
  cli: {
    audit: 'value',
    check: 'value',
    plan: 'value',
    estimate: 'value',
    config: 'value',
    connect: 'type',
    errors: 'value',
    events: 'type',
    pass: 'type',
    service: 'value',
    store: 'value',
    streams: 'value',
    sync: 'value',
    version: 'value',
    // The demo runs the fake GitLab.
    test: 'value',
  },
};

/** Only the edges open databases: they own their lifetime. */
const openers = new Set(['cli', 'service']);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: 'value' | 'type';
}

const files = globSync('src/**/*.ts').filter((file) => !file.includes('/generated/') && !file.endsWith('.d.ts'));
const roomOf = (file: string) => {
  const [top = '', room = ''] = path.normalize(file).split(path.sep);
  return top === 'src' ? room.replace(/\.ts$/, '') : top;
};

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(/(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'|import\((?:\s*)'(\.[^']+)'/g);
  return [...statements].map(([, type, from, dynamic]) => ({
    from: file,
    to: path.join(path.dirname(file), from ?? dynamic ?? ''),
    kind: type ? ('type' as const) : ('value' as const),
  }));
}

test('imports go along the arrows of the design, and no other way', () => {
  const wrong = files.flatMap(importsOf).filter(({ from, to, kind }) => {
    const [source, target] = [roomOf(from), roomOf(to)];
    const allowed = source === target ? 'value' : arrows[source]?.[target];
    return allowed !== 'value' && !(allowed === 'type' && kind === 'type');
  });
  expect(wrong).toEqual([]);
});

test('every arrow of the design is in use', () => {
  const used = new Set(files.flatMap(importsOf).map(({ from, to }) => `${roomOf(from)} -> ${roomOf(to)}`));
  const unused = Object.entries(arrows).flatMap(([source, targets]) =>
    Object.keys(targets)
      .map((target) => `${source} -> ${target}`)
      .filter((arrow) => !used.has(arrow)),
  );
  expect(unused).toEqual([]);
});

test('only the edges open a database', () => {
  const opening = files.flatMap(importsOf).filter(({ from, to }) => to.endsWith('store/database.ts') && roomOf(from) !== 'store');
  expect(opening.filter(({ from }) => !openers.has(roomOf(from)))).toEqual([]);
});

test('only the edges touch the process and the console', () => {
  const outside = /\bprocess\.(env|exit|argv|stdout|stderr|on|once)\b|\bconsole\./;
  const touching = files.filter(
    (file) => roomOf(file) !== 'cli' && outside.test(readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
  );
  expect(touching).toEqual([]);
});

test('only the store speaks SQL', () => {
  const speaking = files.filter(
    (file) => roomOf(file) !== 'store' && /from 'kysely'|\b(insert into|select .* from) /i.test(readFileSync(file, 'utf8')),
  );
  expect(speaking).toEqual([]);
});
