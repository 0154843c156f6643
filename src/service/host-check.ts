import { isIP } from 'node:net';

/** Whether the server answers a request with this `Host` header. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * Creates a check against DNS rebinding. A web page can make its own host name resolve to the address of this server, and
 * then read the answers. The browser sends that name in `Host`. IP addresses and localhost are always allowed, because no
 * such page can have them as its name. `allowed`: names in any case, `.name` for all names below it, `*` for all names.
 */
export function hostCheck(allowed: readonly string[]): HostCheck {
  const names = new Set(['localhost', ...allowed.map((name) => name.toLowerCase())]);
  const suffixes = ['.localhost', ...[...names].filter((name) => name.startsWith('.'))];
  return (host) => {
    const name = nameIn(host);
    if (name === null) return false;
    return names.has('*') || isIP(name) !== 0 || names.has(name) || suffixes.some((suffix) => name.endsWith(suffix));
  };
}

/** The name or address without port and brackets, in lower case; null when there is none. */
function nameIn(host: string | undefined): string | null {
  if (host === undefined || /[/?#@\\\s]/.test(host) || !URL.canParse(`http://${host}`)) return null;
  const { hostname } = new URL(`http://${host}`);
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
