"""How long /healthz takes while clients never finish: python -m bench.slow_clients

Medians, and their ratio to the quiet portal, on one machine in one run. Exit code 1 above 100 ms.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.security.web import (
    Web,
    as_the_image_starts_it,
    free_port,
    half_a_body,
    half_a_chunk,
    half_a_head,
    prepared_portal,
    serving,
)

CLIENTS, PROBES, BEGUN, MOST_MS = 200, 200, 60_000, 100
ATTACKS: tuple[Callable[[int], bytes], ...] = (half_a_head, half_a_body, half_a_chunk)


def main() -> int:
    port = free_port()
    with TemporaryDirectory(prefix="bench-") as folder:
        portal = prepared_portal(Path(folder))
        with serving(portal, as_the_image_starts_it(port), port):
            web = Web(port)
            _median_ms(web)  # both processes have answered before anything is measured
            quiet = _median_ms(web)
            found = {attack.__name__: _under(web, attack(BEGUN)) for attack in ATTACKS}
    print(f"| {CLIENTS} clients with | /healthz, median | of the quiet portal |\n| --- | --- | --- |")
    for name, milliseconds in {"nothing": quiet, **found}.items():
        print(f"| {name.replace('_', ' ')} | {milliseconds:.1f} ms | {milliseconds / quiet:.2f} |")
    return int(max(found.values()) > MOST_MS)


def _under(web: Web, begun: bytes) -> float:
    with ExitStack() as stack:
        for _client in range(CLIENTS):
            stack.enter_context(web.slow_client(begun))
        return _median_ms(web)


def _median_ms(web: Web) -> float:
    took = []
    for _probe in range(PROBES):
        begun = time.perf_counter()
        assert web.ask("GET", "/healthz")[0] == 200
        took.append(1000 * (time.perf_counter() - begun))
    return median(took)


if __name__ == "__main__":
    sys.exit(main())
