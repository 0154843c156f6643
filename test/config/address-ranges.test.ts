import { expect, test } from 'vitest';
import { isInRanges, isToHost } from '../../src/config/address-ranges.ts';

test.each<[string, string[], boolean]>([
  ['10.1.2.3', ['10.0.0.0/8'], true],
  ['11.1.2.3', ['10.0.0.0/8'], false],
  ['10.1.2.3', ['10.0.0.0/33', '10.1.2.3', 'x/8', '/8', '10.0.0.0/'], false],
  ['fd00::1', ['fd00::/8'], true],
  ['fd00::1', ['[fd00::]/8'], true],
  ['fd00::1', ['10.0.0.0/8', 'fd00::/129'], false],
  ['gitlab.example.com', ['0.0.0.0/0'], false],
])('%s in %j: %s', (address, ranges, is) => {
  expect(isInRanges(address, ranges)).toBe(is);
});

test.each<[string, string[], boolean]>([
  ['https://gitlab.example.com', ['gitlab.example.com'], true],
  ['https://GitLab.example.com:8443/sub', ['GITLAB.example.com'], true],
  ['https://gitlab.example.com', ['.example.com'], true],
  ['https://example.com', ['.example.com'], false],
  ['https://gitlab.example.com.evil.example', ['.example.com', 'gitlab.example.com'], false],
  ['https://evilexample.com', ['.example.com'], false],
  ['https://user@evil.example', ['user'], false],
  ['http://10.1.2.3', ['10.0.0.0/8'], true],
  ['http://0x0a.1.2.3', ['10.0.0.0/8'], true],
  ['http://[fd00::1]:80', ['[fd00::1]'], true],
  ['http://169.254.169.254', ['.example.com', '10.0.0.0/8'], false],
  ['https://anything.example', ['*'], true],
])('%s at one of %j: %s', (url, hosts, is) => {
  expect(isToHost(url, hosts)).toBe(is);
});
