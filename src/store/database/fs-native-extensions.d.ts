declare module 'fs-native-extensions' {
  /** Tries to lock an open file for this process. Returns false when another process holds the lock. Closing the file releases the lock. */
  export function tryLock(descriptor: number): boolean;
}
