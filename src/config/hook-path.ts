/** Where GitLab sends its hooks. */
export const hookPath = '/hooks/gitlab';
