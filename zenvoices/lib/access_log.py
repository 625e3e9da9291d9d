"""The web server's line for each request, without the secrets that stand in some addresses."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from zenvoices.lib.logs import without_secrets


class AccessLogger(Logger):
    """For gunicorn's --logger-class."""

    def atoms(self, *facts: Any) -> dict[str, Any]:
        atoms = super().atoms(*facts)
        return {name: without_secrets(value) if isinstance(value, str) else value for name, value in atoms.items()}
