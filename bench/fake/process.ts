// Runs the fake GitLab in a process of its own, so that the figures of readers do not include its time and memory.
import { answering } from '../measure/channel.ts';
import { serveWorld } from './served.ts';
import type { Latency, ServedWorld } from './served.ts';
import type { WorldSize } from './world.ts';

let served: ServedWorld | undefined;
const running = () => served ?? missing();

function missing(): never {
  throw new Error('no world is served yet');
}

answering({
  serve: async (size) => {
    served = await serveWorld(size as WorldSize);
    return served.url;
  },
  setLatency: (latency) => running().setLatency(latency as Latency),
  change: (projects) => running().change(projects as number),
  now: () => running().now(),
  rows: () => running().rows(),
  reset: () => running().reset(),
  traffic: () => running().traffic(),
  usage: () => process.cpuUsage(),
});
