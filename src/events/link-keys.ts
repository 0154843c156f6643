/** Number of hexadecimal digits in GitLab's short form of a commit, CI_COMMIT_SHORT_SHA. */
const shortShaLength = 8;

/** Keys of a commit: its whole sha, and its short sha, with which images are often tagged. */
export function shaKeys(sha: string | null | undefined): string[] {
  return sha ? [`sha:${sha}`, `short:${sha.slice(0, shortShaLength)}`] : [];
}

/** Keys of a Git or image tag: `v1.2.0` and `1.2.0` name the same version; a tag may also be a commit's sha. */
export function tagKeys(tag: string): string[] {
  const version = `tag:${tag.replace(/^v(?=\d)/, '')}`;
  if (/^[0-9a-f]{40}$/.test(tag)) return [version, `sha:${tag}`];
  if (/^[0-9a-f]{8}$/.test(tag)) return [version, `short:${tag}`];
  return [version];
}

/** Key of a merge request and of its merge request pipelines, whose ref names the merge request. */
export const mergeRequestKey = (iid: string): string => `mr:${iid}`;

/** Key of a pipeline and of its child pipelines. The only one that relates events of one stream. */
export const pipelineKey = (id: string): string => `pipeline:${id}`;

/** Key of the deployments of an environment. It relates no events: the store finds them by it. */
export const environmentKey = (id: number): string => `env:${id}`;

/** The merge request in a ref such as `refs/merge-requests/7/head`; undefined for other refs. */
export function mergeRequestOfRef(ref: string): string | undefined {
  return /^refs\/merge-requests\/(\d+)\//.exec(ref)?.[1];
}
