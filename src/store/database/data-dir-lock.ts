import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { DataDirInUseError, DatabaseError, messageOf } from '../../errors.ts';

/** A held lock. `close` gives it back; the system does so when the process dies, however it dies. */
export interface DataDirLock {
  close(): void;
}

/**
 * Takes the folder for this process, making it when missing: the embedded database is one process's alone.
 * The lock is the operating system's, so nothing stale can be left behind.
 * Throws DataDirInUseError when another process holds it, DatabaseError when the folder cannot be used.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const descriptor = openLockFile(dataDir);
  if (!tryLock(descriptor)) {
    closeSync(descriptor);
    throw new DataDirInUseError(dataDir);
  }
  return { close: () => closeSync(descriptor) };
}

function openLockFile(dataDir: string): number {
  try {
    mkdirSync(dataDir, { recursive: true });
    return openSync(path.join(dataDir, 'gitlab-connector.lock'), 'a+');
  } catch (cause) {
    throw new DatabaseError(
      `cannot use ${dataDir} for the embedded database (${messageOf(cause)}): set DATA_DIR to a folder that can be written`,
      {
        cause,
      },
    );
  }
}
