"""GitLab for PainChain 0.1, in place of backend/connectors/gitlab/connector.py.

PainChain's worker calls sync_gitlab. The environment variable GITLAB_CONNECTOR of the worker says who reads GitLab:

    poller              a container of its own, with `gitlab-connector poll --all`. Nothing is done here.
    (not set)           the command `gitlab-connector`, which needs Node 22.17 or later in the worker's image.
    any other command   such as `node /opt/gitlab-connector/bin/gitlab-connector.cjs`.

DATABASE_URL is that of the worker; the variables of docs/operations.md (proxy, CA, limits) work too.
"""

import json
import os
import shlex
import subprocess
from typing import Any, Dict

# The keys of connections.config, and the variables of gitlab-connector.
SETTINGS = {
    "token": "GITLAB_TOKEN",
    "url": "GITLAB_URL",
    "repos": "REPOS",
    "branches": "BRANCHES",
    "project_limit": "PROJECT_LIMIT",
    "sync_limit": "SYNC_LIMIT",
    "sync_since": "SYNC_SINCE",
    "reconcile_interval": "RECONCILE_INTERVAL",
    "tag_checks": "TAG_CHECKS",
    "tag_limit": "TAG_LIMIT",
    "image_artifacts": "IMAGE_ARTIFACTS",
}


def sync_gitlab(db_session, config: Dict[str, Any], connection_id: int) -> Dict[str, Any]:
    """Runs one pass. Returns {fetched, stored, problems}, or {error}."""
    command = shlex.split(os.environ.get("GITLAB_CONNECTOR", "gitlab-connector"))
    if command == ["poller"]:
        return {"fetched": 0, "stored": 0, "problems": []}
    if not config.get("token"):
        return {"error": "No GitLab token configured"}
    environment = {**os.environ, "CONNECTION_ID": str(connection_id)}
    for key, name in SETTINGS.items():
        value = config.get(key)
        if value not in (None, ""):
            environment[name] = value if isinstance(value, str) else json.dumps(value)
    try:
        done = subprocess.run([*command, "sync", "--json"], env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        return {"error": f"Cannot start {command[0]}: {error.strerror}"}
    if not done.stdout.strip():
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"{command[0]} ended with code {done.returncode}"}
    report = json.loads(done.stdout)
    return {"fetched": report["fetched"], "stored": report["stored"], "problems": report["problems"]}
