"""`make sbom` names what the image installs, from the locks alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from scripts import pins, sbom
from scripts.bootstrap import ROOT

pytestmark = pytest.mark.slow


def locked() -> set[tuple[str, str]]:
    return {(pin.wish.name, pin.version) for lock in sbom.LOCKS for pin in pins.read((ROOT / lock).read_text())}


def hashes(component: dict[str, Any]) -> set[str]:
    return {one["content"] for place in component["externalReferences"] for one in place.get("hashes", [])}


@pytest.mark.proof
def test_names_every_locked_package_once_with_its_hashes_and_gives_the_same_bytes_again(tmp_path: Path) -> None:
    assert [sbom.main(tmp_path / name) for name in ("first", "second")] == [0, 0]
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    bill = json.loads((tmp_path / "first").read_text())
    named = [(component["name"], component["version"]) for component in bill["components"]]
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "zenvoices")
    assert (sorted(named), all(map(hashes, bill["components"]))) == (sorted(locked()), True)


def test_is_of_the_locks_that_the_image_installs() -> None:
    (line,) = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if "--require-hashes" in line]
    assert tuple(word for word in line.split() if word.endswith(".txt")) == sbom.LOCKS


def test_a_package_that_is_locked_with_and_without_extras_stands_once() -> None:
    entry = "x{}==1.0 \\\n    --hash=sha256:00\n    # via y\n"
    (only,) = pins.read(sbom.once_each([entry.format("[a]") + entry.format("[a,b]"), entry.format("")]))
    assert (str(only.wish), only.version) == (Requirement("x").name, "1.0")
