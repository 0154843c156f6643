import { createHash } from 'node:crypto';

/** A sha that is the same for the same text. */
export const shaOf = (text: string): string => createHash('sha1').update(text).digest('hex');
