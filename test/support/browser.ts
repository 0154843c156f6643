import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The Chromium of this machine, or none. */
function installed(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a real browser: that of this machine, else the one of @sparticuz/chromium, which needs nothing of the machine. */
export async function startBrowser(): Promise<Browser> {
  const own = installed();
  if (own) return chromium.launch({ executablePath: own, args: ['--no-sandbox'], headless: true });
  // Set before the package is imported: it then unpacks the libraries that a bare machine lacks.
  process.env['AWS_EXECUTION_ENV'] ??= 'AWS_Lambda_nodejs22.x';
  const { default: packed } = await import('@sparticuz/chromium');
  const args = packed.args.filter((arg) => !unwanted.has(arg));
  return chromium.launch({ executablePath: await packed.executablePath(), args, headless: true });
}

/** The first ends the browser with its first page; the others switch off what a test of a page should meet. */
const unwanted = new Set(['--single-process', '--disable-web-security', '--allow-running-insecure-content']);
