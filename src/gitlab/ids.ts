const pattern = /^gid:\/\/gitlab\/[A-Za-z:]+\/(\d+)$/;

/** The number in a GraphQL global id such as `gid://gitlab/Project/12`; NaN for anything else. */
export function numberOfGlobalId(globalId: string): number {
  return Number(pattern.exec(globalId)?.[1]);
}

/** The GraphQL global id of a project. */
export function projectGlobalId(projectId: number): string {
  return `gid://gitlab/Project/${projectId}`;
}
