"""`make faults`: every fault, and how many came out right.

Arguments are pytest's (make faults ARGS="-k google").
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    os.environ["FAULTS"] = "all"  # tests/faults/table.py
    sys.exit(
        pytest.main([str(Path(__file__).parent), "-q", "--tb=short", "--show-capture=no", "-n", "auto", *sys.argv[1:]])
    )
