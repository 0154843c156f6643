// Ends with 0 when the poller in this container answers /healthz, else with 1. For images that have no curl.
const { HEALTH_PORT = '8080', HEALTH_HOST = '127.0.0.1' } = process.env;
// A machine may have no IPv6.
const everywhere = { '0.0.0.0': ['127.0.0.1'], '::': ['127.0.0.1', '[::1]'], '': ['127.0.0.1'] };
const hosts = everywhere[HEALTH_HOST] ?? [HEALTH_HOST.includes(':') ? `[${HEALTH_HOST}]` : HEALTH_HOST];
const ask = (host) => fetch(`http://${host}:${HEALTH_PORT || 8080}/healthz`, { signal: AbortSignal.timeout(4000) });

if (HEALTH_PORT !== 'off') {
  try {
    const { ok, status } = await Promise.any(hosts.map(ask)).catch(({ errors }) => Promise.reject(errors[0]));
    if (!ok) throw new Error(`answered ${status}`);
  } catch (error) {
    console.error(`/healthz: ${error.cause?.message ?? error.message}`);
    process.exitCode = 1;
  }
}
