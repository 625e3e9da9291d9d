"""What /metrics tells."""

from __future__ import annotations

from django.test import Client


def figures(client: Client, beginning: str = "zenvoices_") -> dict[str, float]:
    """By name and labels, as they stand there."""
    lines = client.get("/metrics").text.splitlines()
    told = (line.rsplit(" ", 1) for line in lines if line.startswith(beginning))
    return {name: float(value) for name, value in told}
