import { readFileSync } from 'node:fs';

/** The secret in a file, without the end of the line that editors add. Throws the error of Node when it cannot be read. */
export const readSecret = (file: string): string => readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
