/** A response whose text is in memory already: reading it makes no copy, while large answers would otherwise be kept several times. */
export class TextResponse extends Response {
  override readonly text: () => Promise<string>;
  override readonly json: () => Promise<unknown>;

  constructor(text: string, init: ResponseInit) {
    super(null, init);
    this.text = () => Promise.resolve(text);
    this.json = () => this.text().then((whole) => JSON.parse(whole) as unknown);
  }
}
