"""What each list of a big office costs the database: python -m bench.lists (make bench ARGS=--lists)

PostgreSQL, asked by the role that serves, row-level security on. Names of pages, or parts of them, ask only those.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile

from tests.servers.postgresql import postgresql


def main(asked: list[str]) -> int:
    """`asked`: see bench.lists_asked."""
    with (
        tempfile.TemporaryDirectory(prefix="zenvoices-lists-") as folder,
        postgresql(shared_buffers="1GB", maintenance_work_mem="256MB") as server,
    ):
        secrets = {
            "SECRET_KEY": "a secret of the bench",
            "CREDENTIAL_KEYS": base64.urlsafe_b64encode(b"b" * 32).decode(),
        }
        environment = os.environ | server.environment | secrets
        environment |= {"DATA_DIR": folder, "EMAIL_URL": f"filemail://{folder}/mails", "LOG_LEVEL": "ERROR"}
        environment |= {"ALLOWED_HOSTS": "testserver", "DJANGO_SETTINGS_MODULE": "zenvoices.settings"}
        for command in ("collectstatic", "migrate"):
            subprocess.run([sys.executable, "manage.py", command, "--verbosity", "0"], env=environment, check=True)
        return subprocess.run([sys.executable, "-m", "bench.lists_asked", *asked], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
