// Reads one answer of the GitLab at the given URL, in a process of its own, and says as JSON what came of it and how much memory it took.
import { createGitlab } from '../../../src/gitlab/client.ts';
import { messageOf } from '../../../src/errors.ts';

const [url = '', timeoutMs = '60000'] = process.argv.slice(2);
const gitlab = createGitlab({
  url,
  token: 'glpat-a-token',
  userAgent: 'test',
  concurrency: 1,
  timeoutMs: Number(timeoutMs),
  retry: { attempts: 1 },
});
const ended = await gitlab.rest.version().then(
  (version) => ({ length: version.length }),
  (error: unknown) => ({ error: (error as Error).name, message: messageOf(error) }),
);
// In kilobytes.
process.stdout.write(JSON.stringify({ ...ended, peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024) }));
