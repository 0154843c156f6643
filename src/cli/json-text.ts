import { printableJson } from '../printable.ts';

/** A value as indented JSON with a line break at its end, safe on a terminal: texts from GitLab may hold its control characters. */
export const jsonText = (value: unknown): string => `${printableJson(JSON.stringify(value, null, 2))}\n`;

/** A value as one line of JSON, safe on a terminal. */
export const jsonLine = (value: unknown): string => `${printableJson(JSON.stringify(value))}\n`;
