/** What a mapper needs to know of the project that an event belongs to. */
export interface EventProject {
  /** GitLab's number, the project's identity. */
  readonly id: number;
  /** The path in event ids: the one under which the project was first stored. */
  readonly eventPath: string;
  /** The path it has now. */
  readonly fullPath: string;
  /** Its page, without a slash at the end. */
  readonly webUrl: string;
}
