import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { reachServer } from './reach-server.ts';
import type { Attempt } from './reach-server.ts';
import type { TlsSettings } from './tls-settings.ts';

/** Where and how a stream connects. */
export interface ServerStreamOptions {
  readonly tls: TlsSettings;
  /** Finds the ways to reach a server, in the order in which they are tried. */
  readonly attempts: () => Promise<readonly Attempt[]>;
  /** Milliseconds that one attempt may take. */
  readonly timeoutMs: number;
  readonly needsChannelBinding: boolean;
}

const byteOfError = 0x45;
const cannotConnectNow = '57P03';
const refusedByHba = '28000';

/**
 * The stream that pg talks through. pg itself knows one server and TLS or none: this stream tries several servers and both ways, as libpq
 * does. Until the server's first answer, it keeps what pg has sent, so that it can send it again to the next server.
 */
export class ServerStream extends Duplex {
  readonly #options: ServerStreamOptions;
  readonly #stopped = new AbortController();
  #socket: Socket | undefined;
  #attempts: readonly Attempt[] = [];
  #sent: Buffer[] | null = [];
  #keepAliveMs: number | undefined;
  #isHeld = true;
  /** Runs while a server that was reached has not answered. */
  #patience: NodeJS.Timeout | undefined;

  constructor(options: ServerStreamOptions) {
    super({ allowHalfOpen: false });
    this.#options = options;
  }

  /** Called by pg, with a host and a port that are not used. */
  connect(): this {
    void this.#start();
    return this;
  }

  async #start(): Promise<void> {
    try {
      this.#attempts = await this.#options.attempts();
      await this.#next(new Error('the database URL names no server'));
      this.emit('connect');
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** Goes on to the next attempt that reaches a server. Rejects with the reason of the last one, or with `reason` when there is none. */
  async #next(reason: Error): Promise<void> {
    const [attempt, ...others] = this.#attempts;
    if (!attempt) throw reason;
    this.#attempts = others;
    const { tls, timeoutMs } = this.#options;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const signal = AbortSignal.any([this.#stopped.signal, late]);
      this.#use(await reachServer({ attempt, tls, signal }), attempt);
    } catch (error) {
      if (this.#stopped.signal.aborted) throw error;
      if (late.aborted) this.#attempts = others.filter((other) => !isSameServer(other, attempt));
      await this.#next(late.aborted ? tooLate(attempt) : (error as Error));
    }
  }

  #use(socket: Socket, attempt: Attempt): void {
    this.#socket = socket;
    if (this.#keepAliveMs !== undefined) socket.setKeepAlive(true, this.#keepAliveMs);
    if (!this.#isHeld) socket.unref();
    socket.on('error', (error) => this.#socket === socket && this.destroy(error));
    socket.on('close', () => this.#socket === socket && this.#end());
    socket.on('data', (bytes: Buffer) => {
      if (this.#sent === null) this.#receive(bytes);
      else if (this.#socket === socket) this.#answered(bytes, attempt);
    });
    for (const chunk of this.#sent ?? []) socket.write(chunk);
    socket.resume();
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#leave((other) => !isSameServer(other, attempt), tooLate(attempt)), this.#options.timeoutMs);
    this.#patience.unref();
  }

  /** The server's first answer decides whether it is used. */
  #answered(bytes: Buffer, attempt: Attempt): void {
    const reason = bytes[0] === byteOfError ? codeOf(bytes) : undefined;
    const isNext = (other: Attempt) => isSameServer(other, attempt) === (reason === refusedByHba);
    if ((reason === refusedByHba || reason === cannotConnectNow) && this.#attempts.some(isNext)) {
      this.#leave(isNext, new Error('no server can be used'));
      return;
    }
    clearTimeout(this.#patience);
    if (this.#options.needsChannelBinding && reason === undefined && !bytes.includes('SCRAM-SHA-256-PLUS')) {
      this.destroy(new Error('the server offers no channel binding, which channel_binding=require asks for'));
      return;
    }
    this.#sent = null;
    this.#receive(bytes);
  }

  /** Leaves a server that was reached, and goes on to an attempt that `isNext` accepts. */
  #leave(isNext: (attempt: Attempt) => boolean, reason: Error): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.#attempts = this.#attempts.filter((attempt) => isNext(attempt));
    this.#next(reason).catch((error: Error) => this.destroy(error));
  }

  #receive(bytes: Buffer): void {
    if (!this.push(bytes)) this.#socket?.pause();
  }

  #end(): void {
    this.push(null);
    this.destroy();
  }

  override _read(): void {
    if (this.#sent === null) this.#socket?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#sent?.push(chunk);
    if (this.#socket) this.#socket.write(chunk, done);
    else done();
  }

  override _final(done: () => void): void {
    this.#socket?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#patience);
    this.#stopped.abort(error ?? new Error('the connection was closed'));
    this.#socket?.destroy();
    done(error);
  }

  /** pg asks for it for channel binding. */
  getPeerCertificate(): unknown {
    return this.#socket instanceof TLSSocket ? this.#socket.getPeerCertificate() : {};
  }

  /** Does nothing: every socket is without delay. */
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(_isOn: boolean, initialDelayMs = 0): this {
    this.#keepAliveMs = initialDelayMs;
    this.#socket?.setKeepAlive(true, initialDelayMs);
    return this;
  }

  ref(): this {
    this.#isHeld = true;
    this.#socket?.ref();
    return this;
  }

  unref(): this {
    this.#isHeld = false;
    this.#socket?.unref();
    return this;
  }
}

const isSameServer = (a: Attempt, b: Attempt) => a.host === b.host && a.port === b.port;

const tooLate = ({ host, port }: Attempt) => new Error(`timeout expired: ${host}:${port} does not answer`);

/** The SQLSTATE in PostgreSQL's message of an error. */
function codeOf(bytes: Buffer): string | undefined {
  return /\0C([0-9A-Z]{5})\0/.exec(bytes.toString('latin1'))?.[1];
}
