import { BlockList, isIP } from 'node:net';

/** Whether an address is in one of the ranges, such as `10.0.0.0/8`, of a list. Host names are not looked up. */
export function isInRanges(address: string, list: readonly string[]): boolean {
  const family = familyOf(address);
  if (family === null) return false;
  const ranges = new BlockList();
  for (const [, start = '', length] of list.map((entry) => /^\[?([0-9a-f:.]+)\]?\/(\d{1,3})$/i.exec(entry) ?? [])) {
    const startFamily = familyOf(start);
    if (startFamily !== null && Number(length) <= (startFamily === 'ipv4' ? 32 : 128)) ranges.addSubnet(start, Number(length), startFamily);
  }
  return ranges.check(address, family);
}

const familyOf = (text: string) => ({ 4: 'ipv4' as const, 6: 'ipv6' as const })[isIP(text)] ?? null;

/** Whether a URL leads to one of the hosts: names, `.example.com` for all names below it, addresses, ranges of addresses, `*` for all. */
export function isToHost(url: string, hosts: readonly string[]): boolean {
  const hostname = new URL(url).hostname.replaceAll(/^\[|\]$/g, '');
  const isNamed = (host: string) => host === '*' || host === hostname || (host.startsWith('.') && hostname.endsWith(host));
  return hosts.some((host) => isNamed(host.toLowerCase().replaceAll(/^\[|\]$/g, ''))) || isInRanges(hostname, hosts);
}
