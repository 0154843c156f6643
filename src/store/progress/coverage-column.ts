import type { WalkState } from '../../walk-state.ts';

/** What the column `coverage` holds. */
export type Coverage = Pick<WalkState, 'selection' | 'leftOut'>;

/** The two columns of a walk's coverage: `selection` is what earlier versions read and write. */
export interface CoverageColumns {
  readonly selection: string;
  readonly coverage: Coverage | null;
}

const separator = ',';
const textOf = (selection: readonly string[]) => selection.join(separator);

/** The columns of a walk's coverage. */
export function formatCoverage({ selection, leftOut }: Coverage): CoverageColumns {
  return { selection: textOf(selection), coverage: { selection, leftOut } };
}

/** A walk's coverage. Where an earlier version has written another selection meanwhile, the selection counts alone. */
export function parseCoverage({ selection, coverage }: CoverageColumns): Coverage {
  if (coverage && textOf(coverage.selection) === selection) return coverage;
  return { selection: selection === '' ? [] : selection.split(separator), leftOut: [] };
}
