import { isIP } from 'node:net';

/** Whether a request's `Host` is one under which this server may be asked. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * A check of `Host` against DNS rebinding: a web page can give a name of its own the address of this server, and then read
 * what it answers, but the browser sends that name. IP addresses and localhost are always allowed: no page has them as its name.
 * `allowed`: names in lower or upper case, `.name` for all below it, `*` for all.
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
