"""A server that speaks S3 (moto), in a thread of the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

boto3 = pytest.importorskip("boto3", reason="requirements-s3.txt is not installed")


@dataclass(frozen=True)
class S3:
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """Settings of whoever uses it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def make_bucket(self, name: str) -> Any:
        made = boto3.resource(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        ).Bucket(name)
        made.create()
        return made


@contextmanager
def s3_server() -> Iterator[S3]:
    moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    try:
        yield S3(f"http://{host}:{port}")
    finally:
        running.stop()
