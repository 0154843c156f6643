/** A response with its text in memory. Reading the text makes no copy, because copies of large answers take much memory. */
export class TextResponse extends Response {
  override readonly text: () => Promise<string>;
  override readonly json: () => Promise<unknown>;

  constructor(text: string, init: ResponseInit) {
    super(null, init);
    this.text = () => Promise.resolve(text);
    this.json = () => this.text().then((whole) => JSON.parse(whole) as unknown);
  }
}
