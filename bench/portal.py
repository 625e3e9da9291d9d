"""An empty portal for our own fetches: its settings, its database, migrated once."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ground import Ground
from tests.servers.postgresql import NoPostgreSQL, postgresql


@dataclass
class Portal:
    environment: dict[str, str]
    database: str

    @property
    def documents(self) -> Path:
        return Path(self.environment["DATA_DIR"]) / "documents"

    def forget(self) -> None:
        shutil.rmtree(self.documents, ignore_errors=True)


@contextmanager
def portal(ground: Ground, database: str) -> Iterator[Portal]:
    """With PostgreSQL, as in production, where it is installed; else with SQLite. Both flush what they commit."""
    environment = {
        "DATA_DIR": str(ground.place("data")),
        "SECRET_KEY": "a secret of the bench",
        "CREDENTIAL_KEYS": base64.urlsafe_b64encode(b"b" * 32).decode(),
        "MAIL_ALLOW_PRIVATE_HOSTS": "true",
        "OUTBOUND_CA_FILE": str(ground.certificates.ca_file),
        "DJANGO_SETTINGS_MODULE": "zenvoices.settings",
        "LOG_LEVEL": "WARNING",
    }
    with ExitStack() as stack:
        if database == "postgresql":
            try:
                server = stack.enter_context(postgresql(fsync="on", synchronous_commit="on", full_page_writes="on"))
                environment |= server.environment
            except NoPostgreSQL:
                database = "sqlite"
        made = Portal(environment, database)
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env={**os.environ, **environment}, check=True)
        yield made
