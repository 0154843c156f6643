import * as z from 'zod';

const isOn = z.boolean().nullish();

/** What the connector reads of a webhook. What an older GitLab does not say is undefined. */
export const webhookSchema = z.object({
  /** May hold a secret: never print it. */
  url: z.string(),
  push_events: isOn,
  tag_push_events: isOn,
  merge_requests_events: isOn,
  pipeline_events: isOn,
  releases_events: isOn,
  deployment_events: isOn,
  alert_status: z.string().nullish(),
});

/** A webhook as `GET /projects/:id/hooks` and `GET /groups/:id/hooks` list it. */
export type RestWebhook = z.output<typeof webhookSchema>;
