import { commits } from './commits.ts';
import { deployments } from './deployments.ts';
import { mergeRequests } from './merge-requests.ts';
import { pipelines } from './pipelines.ts';
import { registryImages } from './registry-images.ts';
import { releases } from './releases.ts';
import type { Stream } from './stream.ts';

/** Every kind of change that is read, in the order of reports. */
export const streams: readonly Stream[] = [mergeRequests, pipelines, releases, commits, registryImages, deployments];
