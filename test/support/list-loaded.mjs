// With `--import`: writes the URL of each module that the process has loaded into the file LOADED_LIST, one a line, when it ends.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const urls = new Set();
registerHooks({
  load(url, context, nextLoad) {
    urls.add(url);
    return nextLoad(url, context);
  },
});
process.on('exit', () => writeFileSync(process.env.LOADED_LIST, [...urls].join('\n')));
