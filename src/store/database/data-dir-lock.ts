import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { DataDirInUseError, DatabaseError, messageOf } from '../../errors.ts';

/** A held lock. `close` releases the lock. The operating system releases the lock when the process dies. */
export interface DataDirLock {
  close(): void;
}

/**
 * Locks the folder for this process, because only one process may use the embedded database. Creates a missing folder.
 * The operating system holds the lock, so no stale lock can remain.
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
