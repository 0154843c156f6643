import * as z from 'zod';
import { DatabaseUrlProblem, parseDatabaseUrl } from './database-url.ts';

/** The largest whole number of a setting without a limit of its own. */
export const largest = 1_000_000_000;

/** A whole number, or its text. */
export const wholeNumber = (minimum: number, maximum = largest, otherwise = '') => {
  const range = maximum === largest ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  const error = `must be a whole number ${range}${otherwise}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value),
    z.int({ error }).min(minimum, { error }).max(maximum, { error }),
  );
};

/** A JSON array for names that hold commas. No name of a branch or a project begins with a bracket. */
function itemsOf(text: string): unknown {
  if (!text.trim().startsWith('[')) return text.split(',');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A list, text with commas, or a JSON array as text; without doubles and empty items. */
export const list = z.preprocess(
  (value) => (typeof value === 'string' ? itemsOf(value) : value),
  z
    .array(
      z.union([z.string(), z.number()]).transform((item) => String(item).trim()),
      { error: 'must be a list, text with commas, or a JSON array as text' },
    )
    .transform((items) => [...new Set(items.filter((item) => item !== ''))]),
);

const hostNamePattern = /^(\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*)$/;
/** A list of host names, in lower case: a name, `.name` for all below it, or `*` for all. */
export const hostNames = list
  .transform((items) => items.map((item) => item.toLowerCase()))
  .refine((items) => items.every((item) => hostNamePattern.test(item)), {
    error: 'must be host names without ports, with commas between them, such as connector.example.com,.svc',
  });

/** An http or https URL without a slash at its end. */
export const webUrl = z
  .string({ error: 'must be an http:// or https:// URL' })
  .trim()
  .refine((text) => isUrlOf(text, ['http:', 'https:']), { error: 'must be an http:// or https:// URL, such as https://gitlab.example.com' })
  .refine((text) => !isUrlOf(text, ['http:', 'https:']) || !/[?#@]/.test(text), { error: 'must hold no user name, query or fragment' })
  .transform((text) => text.replace(/\/+$/, ''));

const proxyError = 'must be the http:// or https:// URL of a proxy, such as http://proxy.example.com:3128';
/** A proxy, with a user name and a password or without. */
export const proxyUrl = z
  .string({ error: proxyError })
  .trim()
  .refine((text) => isUrlOf(text, ['http:', 'https:']) && isDecodable(text), { error: proxyError });

/** Whether the password in a URL can be decoded: it contains no bare percent sign. */
function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
}

/** A file or a folder. */
export const filePath = z.string({ error: 'must be a path' }).trim().min(1, { error: 'must be a path' });

const texts: ReadonlyMap<unknown, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((text) => [text, true] as const),
  ...['false', '0', 'no', 'off'].map((text) => [text, false] as const),
]);

/** Yes or no, in the words of the environment. */
export const flag = z.preprocess(
  (value) => texts.get(typeof value === 'string' ? value.trim().toLowerCase() : value) ?? value,
  z.boolean({ error: 'must be true or false' }),
);

/** A PostgreSQL. */
export const databaseUrl = z
  .string({ error: 'must be a postgres:// URL' })
  .trim()
  .superRefine((text, context) => {
    try {
      parseDatabaseUrl(text);
    } catch (error) {
      if (!(error instanceof DatabaseUrlProblem)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  });

function isUrlOf(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

/** Matches a text that can be sent as a token. */
export const tokenPattern = /^[\x21-\x7e]+$/;

/** Whether a text can be sent as a token. */
export const isToken = (text: string): boolean => tokenPattern.test(text);
