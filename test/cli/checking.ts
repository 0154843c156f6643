import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import type { CheckEntry, CheckReport } from '../../src/index.ts';
import { runCli } from '../support/run-cli.ts';

/** The report of the check command. */
export interface Checked extends CheckReport {
  readonly code: number;
  /** The last finding of a check. */
  readonly of: (check: string) => CheckEntry | undefined;
}

/** A GitLab with one project that is served under a path, and an environment for the check command. */
export interface Checking {
  readonly world: World;
  readonly fake: FakeGitlab;
  readonly served: Served;
  /** A temporary folder. The folder of the embedded database in it does not exist. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `check --json`. */
  readonly check: (overrides?: Readonly<Record<string, string>>, args?: readonly string[]) => Promise<Checked>;
  readonly close: () => Promise<void>;
}

/** Serves the GitLab and creates the folder. */
export async function startChecking(): Promise<Checking> {
  const world = new World(new Date().toISOString());
  const project = world.addProject('acme/shop');
  project.git.commit('main', { title: 'Start', authorName: 'Ada' });
  const fake = createFakeGitlab(world);
  const served = await serve(fake, '/gitlab');
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-check-'));
  const env = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, DATA_DIR: path.join(folder, 'data') };
  return {
    world,
    fake,
    served,
    folder,
    env,
    check: async (overrides = {}, args = []) => {
      const { code, out, err } = await runCli(['check', '--json', ...args], { ...env, ...overrides });
      expect(err).toBe('');
      expect(out).not.toContain(goodToken);
      const report = JSON.parse(out) as CheckReport;
      return { ...report, code, of: (name) => report.checks.findLast((entry) => entry.check === name) };
    },
    close: async () => {
      await served.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What is skipped, and why. */
export const skippedIn = ({ checks }: CheckReport): Record<string, string> =>
  Object.fromEntries(checks.flatMap((entry) => (entry.result === 'skipped' ? [[entry.check, entry.detail]] : [])));
