import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/**
 * Which room may import which: arrows point one way. A room is a file or folder of src/; gitlab/, store/ and operations/ are
 * rooms with rooms of their own, whose files may import only along the arrows too. `type` = type imports only.
 */
const arrows: Readonly<Record<string, Readonly<Record<string, 'value' | 'type'>>>> = {
  errors: { printable: 'value' },
  log: {},
  printable: {},
  redact: {},
  version: {},
  'walk-state': {},
  cli: {
    printable: 'value',
    timeline: 'value',
    config: 'value',
    errors: 'value',
    events: 'type',
    'fake-gitlab': 'value',
    'operations/audit': 'value',
    'operations/check': 'value',
    'operations/connect': 'type',
    'operations/estimate': 'value',
    'operations/plan': 'value',
    'operations/prune': 'value',
    'operations/sync': 'value',
    pass: 'type',
    service: 'value',
    store: 'value',
    'store/database': 'value',
    'store/events': 'value',
    'store/progress': 'value',
    streams: 'value',
    version: 'value',
  },
  config: { errors: 'value' },
  timeline: { printable: 'value', 'store/events': 'type', 'store/progress': 'type' },
  events: { gitlab: 'type', 'gitlab/generated': 'type' },
  gitlab: {
    printable: 'value',
    errors: 'value',
    'gitlab/compat': 'value',
    'gitlab/generated': 'value',
    'gitlab/http': 'value',
    'gitlab/limits': 'value',
    log: 'value',
  },
  'gitlab/compat': { errors: 'value', log: 'type' },
  'gitlab/http': { redact: 'value', printable: 'value', config: 'value', errors: 'value', 'gitlab/limits': 'value', log: 'type' },
  'gitlab/limits': { errors: 'value', 'gitlab/compat': 'value' },
  index: {
    config: 'value',
    errors: 'value',
    events: 'type',
    'gitlab/http': 'type',
    'gitlab/limits': 'value',
    log: 'type',
    'operations/audit': 'value',
    'operations/check': 'value',
    'operations/connect': 'type',
    'operations/estimate': 'value',
    'operations/plan': 'value',
    'operations/prune': 'value',
    'operations/sync': 'value',
    'store/events': 'value',
    'store/progress': 'value',
    pass: 'type',
    'store/entities': 'value',
    'store/migrations': 'value',
    version: 'value',
    'walk-state': 'type',
  },
  'operations/audit': {
    config: 'type',
    errors: 'value',
    events: 'type',
    gitlab: 'value',
    'operations/connect': 'value',
    pass: 'value',
    store: 'value',
    'store/events': 'type',
    streams: 'value',
    'walk-state': 'value',
  },
  'operations/check': {
    config: 'value',
    errors: 'value',
    gitlab: 'value',
    'gitlab/http': 'value',
    'operations/connect': 'value',
    pass: 'value',
    store: 'value',
    'store/database': 'value',
    'store/layouts': 'value',
    streams: 'value',
  },
  'operations/connect': {
    config: 'value',
    errors: 'value',
    gitlab: 'value',
    'gitlab/http': 'value',
    'gitlab/limits': 'value',
    log: 'value',
    'operations/linked-abort': 'value',
    store: 'value',
    version: 'value',
  },
  'operations/estimate': { store: 'type', config: 'type', gitlab: 'value', 'operations/connect': 'value', pass: 'value', streams: 'value' },
  'operations/linked-abort': {},
  'operations/plan': {
    config: 'type',
    gitlab: 'value',
    'gitlab/generated': 'type',
    'operations/connect': 'value',
    'operations/estimate': 'value',
    pass: 'value',
    store: 'value',
    streams: 'value',
    'walk-state': 'type',
  },
  'operations/prune': { errors: 'value', 'store/events': 'value' },
  'operations/sync': { config: 'type', 'operations/connect': 'value', pass: 'value' },
  'operations/sync-part': { 'operations/connect': 'value', pass: 'value' },
  pass: {
    config: 'value',
    errors: 'value',
    events: 'type',
    gitlab: 'value',
    'gitlab/limits': 'value',
    log: 'type',
    store: 'type',
    'store/progress': 'type',
    streams: 'value',
    'walk-state': 'value',
  },
  service: {
    redact: 'value',
    printable: 'value',
    config: 'value',
    errors: 'value',
    'gitlab/http': 'type',
    log: 'type',
    'operations/connect': 'type',
    'operations/linked-abort': 'value',
    'operations/prune': 'value',
    'operations/sync': 'value',
    'operations/sync-part': 'value',
    pass: 'type',
    store: 'value',
    'store/database': 'value',
    'store/progress': 'value',
    streams: 'value',
    version: 'value',
    timeline: 'value',
    'store/events': 'value',
    events: 'type',
  },
  store: {
    errors: 'value',
    events: 'type',
    'store/database': 'value',
    'store/entities': 'value',
    'store/events': 'value',
    'store/layouts': 'value',
    'store/progress': 'value',
    'walk-state': 'type',
  },
  'store/database': { config: 'value', errors: 'value', 'store/entities': 'value', 'store/layouts': 'value', 'store/migrations': 'value' },
  'store/layouts': { errors: 'value' },
  'store/events': { errors: 'value', events: 'value', 'store/database': 'value', 'store/layouts': 'value', 'walk-state': 'type' },
  'store/migrations': { 'store/layouts': 'value' },
  'store/progress': { events: 'type', 'store/database': 'value', 'store/entities': 'value', 'store/events': 'value', 'walk-state': 'type' },
  streams: { errors: 'value', events: 'value', gitlab: 'value', 'gitlab/generated': 'type', 'walk-state': 'value' },
};

/** Only the edges open databases: they own their lifetime. */
const openers = new Set(['cli', 'service']);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: 'value' | 'type';
}

const files = globSync('src/**/*.ts').filter((file) => !file.includes('/generated/') && !file.endsWith('.d.ts'));
const nested = new Set(['gitlab', 'store', 'operations']);
const roomOf = (file: string) => {
  const [top = '', room = '', inner = '', ...rest] = path.normalize(file).split(path.sep);
  if (top !== 'src') return top;
  // The files of gitlab/ and store/ themselves are one room each; operations/ has a room for each verb.
  const isInner = nested.has(room) && (rest.length > 0 || room === 'operations');
  return (isInner ? `${room}/${inner}` : room).replace(/\.ts$/, '');
};
const topOf = (file: string) => roomOf(file).split('/')[0] ?? '';

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
  const opening = files.flatMap(importsOf).filter(({ from, to }) => to.endsWith('store/database/database.ts') && topOf(from) !== 'store');
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
    (file) => topOf(file) !== 'store' && /from 'kysely'|\b(insert into|select .* from) /i.test(readFileSync(file, 'utf8')),
  );
  expect(speaking).toEqual([]);
});
