// Bundles the command line: a few files are loaded in a third of the time that its thousand modules take. docs/decisions/0027-start.md says why each part is as it is.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const folder = 'dist/src/cli';

/** Stay packages: those with files of their own (WASM, native code, workers), and those that only the poller or a proxy needs. */
const external = [
  '@electric-sql/pglite',
  '@hono/node-server',
  'fs-native-extensions',
  'hono',
  'pg-boss',
  'pg-native',
  'pino',
  'pino-pretty',
  'prom-client',
  'undici',
];

/** The fake GitLab reads dist/schema from where it is, so it is not bundled. All files of the bundle are in one folder, so the path fits each. */
const fakeGitlab = {
  name: 'fake-gitlab',
  setup({ onResolve }) {
    onResolve({ filter: /\/fake-gitlab\// }, ({ path: specifier }) => ({
      path: specifier.replace(/^.*\/fake-gitlab\//, '../../fake-gitlab/'),
      external: true,
    }));
  },
};

/** MikroORM loads tinyglobby at its start to find files, and works without it. Nothing here is found as a file: entities and migrations are classes. */
const noGlobs = {
  name: 'no-globs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^tinyglobby$/ }, () => ({ path: 'tinyglobby', namespace: 'absent' }));
    onLoad({ filter: /./, namespace: 'absent' }, () => ({
      contents: `throw new Error('tinyglobby is not part of the bundle');\nexport {};\n`,
    }));
  },
};

/** An import of node:http reads all that it exports, which loads Node's client of HTTP and WebSockets: twice the time of Node's own start. */
const nodeHttp = {
  name: 'node-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http$/ }, ({ kind }) => (kind === 'import-statement' ? { path: 'http', namespace: 'required' } : undefined));
    onLoad({ filter: /./, namespace: 'required' }, ({ path: name }) => ({ contents: `module.exports = require('node:${name}');\n` }));
  },
};

/** string-width compiles two long regular expressions for each text, which took most of the time of a table. Plain letters and lines need neither. */
const quickWidth = {
  name: 'quick-width',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]string-width[\\/]index\.js$/ }, ({ path: file }) => ({
      contents: `${readFileSync(file, 'utf8')}
const plain = /^[\\x20-\\x7e\\u00c0-\\u024f\\u2022\\u2026\\u2192\\u2500-\\u257f]*$/;
module.exports = (text) => (typeof text === 'string' && plain.test(text) ? text.length : stringWidth(text));
`,
    }));
  },
};

/** Puts the bundle in the place of the compiled files of src/cli/. */
export async function bundle() {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${folder}/main.js`],
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node22.17',
    // MikroORM tells classes apart by their names.
    keepNames: true,
    // The CommonJS build of graphql cannot be tree-shaken.
    alias: { graphql: 'graphql/index.mjs' },
    external,
    plugins: [fakeGitlab, noGlobs, nodeHttp, quickWidth],
    // Bundled CommonJS packages require Node's own modules.
    banner: {
      js: `import { createRequire as createBundleRequire } from 'node:module';\nconst require = createBundleRequire(import.meta.url);`,
    },
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  for (const { path: file, contents } of outputFiles) writeFileSync(file, contents);
  // The page reads its style sheet and its script from `assets` beside its code, which is in one of these files.
  cpSync('src/service/page/assets', `${folder}/assets`, { recursive: true });
  writeFileSync(`${folder}/LICENSES.txt`, licensesOf(Object.keys(metafile.inputs)));
}

/** The licences of the packages of which code is in the bundle. Throws when a package has none. */
function licensesOf(inputs) {
  const folders = inputs.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  return [...new Set(folders)]
    .map((packageFolder) => {
      const { name, version, license } = JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8'));
      const [file] = globSync('{LICENSE,LICENCE,license}*', { cwd: packageFolder });
      const text = file ? readFileSync(path.join(packageFolder, file), 'utf8').trim() : null;
      if (!text && !license) throw new Error(`${name} names no licence`);
      return { name, text: `${name} ${version} (${license})\n\n${text ?? 'The package holds no text of its licence.'}\n` };
    })
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
    .map(({ text }) => text)
    .join(`\n${'-'.repeat(80)}\n\n`);
}
