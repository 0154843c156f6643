declare module 'fs-native-extensions' {
  /** Tries to lock the whole open file for this process; false when another one holds it. Released when closed. */
  export function tryLock(descriptor: number): boolean;
}
