/** What a mapper needs to know of the project of an event. */
export interface EventProject {
  /** GitLab's id of the project. */
  readonly id: number;
  /** The path in event ids: the path under which the project was first stored. */
  readonly eventPath: string;
  /** The current path. */
  readonly fullPath: string;
  /** URL of the project's page, without a slash at the end. */
  readonly webUrl: string;
}
