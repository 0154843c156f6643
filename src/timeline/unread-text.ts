import type { CoverageEntry } from '../store/progress/read-coverage.ts';

/** Says what was not read of a stream of a project: `acme/web: pipelines not read since 09:50 (forbidden)`. */
export const unreadText = ({ project, stream, readUntil, outcome }: CoverageEntry, shown: (moment: string) => string): string =>
  `${project}: ${stream} ${readUntil === null ? 'never read' : `not read since ${shown(readUntil)}`} (${outcome})`;
