import type * as z from 'zod';

/** How a setting appears in the environment, in `--help` and in the README. */
export interface SettingMeta {
  readonly env: string;
  readonly description: string;
  /** Placeholder of the flag's value. */
  readonly value: string;
  /** Text to show instead of the value of the default. */
  readonly defaultText?: string;
  /** The value is never shown, not even in an error about it. */
  readonly secret?: true;
  /** A variable that other programs read too, in upper or lower case. Such a setting has no flag. */
  readonly isCommon?: true;
}

/** Adds what is known of a setting to its schema. */
export const setting = <T extends z.ZodType>(schema: T, meta: SettingMeta): T => schema.meta({ ...meta });
