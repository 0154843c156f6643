import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { ConfigurationError, DataDirInUseError, DatabaseError, messageOf } from '../../errors.ts';

/** A held lock. `close` releases the lock. The operating system releases the lock when the process dies. */
export interface DataDirLock {
  close(): void;
}

/**
 * Locks the folder for this process, because only one process may use the embedded database. Creates a missing folder.
 * The operating system holds the lock, so no stale lock can remain.
 * Throws DataDirInUseError when another process holds it, ConfigurationError when the folder may not be written, and DatabaseError when it
 * cannot be used for another reason.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const descriptor = openLockFile(dataDir);
  if (!tryLock(descriptor)) {
    closeSync(descriptor);
    throw new DataDirInUseError(dataDir);
  }
  return { close: () => closeSync(descriptor) };
}

/** No right to write, a file system that cannot be written, and a file in the place of a folder. */
const lasting = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST']);

function openLockFile(dataDir: string): number {
  try {
    mkdirSync(dataDir, { recursive: true });
    return openSync(path.join(dataDir, 'gitlab-connector.lock'), 'a+');
  } catch (cause) {
    const problem = `cannot use ${dataDir} for the embedded database (${messageOf(cause)}): set DATA_DIR to a folder that can be written`;
    // A poller would wait for ever for the rights: only the setting, or whoever starts the poller, can give them.
    if (lasting.has((cause as NodeJS.ErrnoException).code ?? '')) throw new ConfigurationError([problem]);
    throw new DatabaseError(problem, { cause });
  }
}
