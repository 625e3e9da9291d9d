"""`make sbom`: what the image installs, as CycloneDX (JSON) in var/sbom.cdx.json.

From the locks alone: nobody is asked, and the same locks give the same bytes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from scripts import pins
from scripts.bootstrap import ROOT, VENV, say

#: what the Dockerfile installs
LOCKS = ("requirements.txt", "requirements-s3.txt", "requirements-observability.txt")
TARGET = ROOT / "var" / "sbom.cdx.json"


def main(target: Path = TARGET) -> int:
    target.parent.mkdir(exist_ok=True)
    options = ["--output-reproducible", "--pyproject", str(ROOT / "pyproject.toml"), "--output-file", str(target)]
    command = [sys.executable, "-W", "ignore", str(VENV / "bin" / "cyclonedx-py"), "requirements", *options, "-"]
    texts = [(ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS]
    done = subprocess.run(command, input=once_each(texts), text=True, env={}, check=False)
    if done.returncode == 0:
        say(f"Written: {target}")
    return done.returncode


def once_each(locks: list[str]) -> str:
    """A lock repeats a package for each combination of extras, and the next lock for what it shares."""
    entries = [entry for lock in locks for entry in re.split(r"(?m)^(?=[a-z0-9])", lock)[1:]]
    return "".join(
        {pins.read(entry)[0].wish.name: re.sub(r"\[[^]]*\]", "", entry, count=1) for entry in entries}.values()
    )


if __name__ == "__main__":
    sys.exit(main())
