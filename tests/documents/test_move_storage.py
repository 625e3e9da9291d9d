"""The command, killed in the middle and run again, from the folder into a bucket and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.migrated import migrate
from tests.portal import Portal
from tests.servers.s3 import S3, s3_server

pytestmark = [pytest.mark.slow, pytest.mark.proof]

DOCUMENTS = 12
#: as an upload makes it
_UPLOADS = f"""
from django.utils import timezone
from administrations.models import Administration
from documents import storage
from documents.services import Origin, add_document
from zenvoices.lib.scoping import administration_scope
place = Administration.objects.get()
with administration_scope(place.pk):
    for number in range({DOCUMENTS}):
        data = b"%PDF " + str(number).encode()
        add_document(place.pk, sha256=storage.put_bytes(place.pk, data), size=len(data), kind="upload", email=None,
                     origin=Origin(), filename="factuur.pdf", content_type="application/pdf",
                     received_at=timezone.now())
"""


@pytest.fixture
def server() -> Iterator[S3]:
    with s3_server() as running:
        yield running


@pytest.fixture
def portal(tmp_path: Path, portal_database: str, server: S3) -> Portal:
    made = Portal(tmp_path, "", portal_database, server.environment)
    migrate(made)
    made.administration()
    made.python(_UPLOADS)
    return made


def test_storage_moves_into_a_bucket_and_back(portal: Portal, server: S3) -> None:
    bucket = server.make_bucket("documents")
    into = {"DOCUMENT_STORAGE": "s3://documents/here", "DOCUMENT_STORAGE_ALSO": "folder"}
    portal.extra |= into
    process = portal.start("django", "move_storage", log="killed.log")
    while process.is_running() and not list(bucket.objects.limit(1)):
        pass
    process.kill()
    process.wait()
    there = len(list(bucket.objects.all()))

    moved = portal.run("move_storage").line
    again = portal.run("move_storage").line

    whole = {"missing": 0, "corrupt": 0, "complete": True}
    found = moved["there"]
    assert found >= there  # what was on the line when the process was killed may have come in since
    assert moved == {"copied": DOCUMENTS - found, "there": found, "bytes": moved["bytes"]} | whole
    assert again == {"copied": 0, "there": DOCUMENTS, "bytes": 0} | whole
    portal.extra["DOCUMENT_STORAGE_ALSO"] = ""
    (portal.folder / "documents").rename(portal.folder / "emptied")
    assert portal.run("verify_storage").line == {"checked": DOCUMENTS, "missing": 0, "corrupt": 0, "orphans": 0}

    portal.extra |= {"DOCUMENT_STORAGE": "", "DOCUMENT_STORAGE_ALSO": into["DOCUMENT_STORAGE"]}
    assert portal.run("move_storage").line["copied"] == DOCUMENTS
    bucket.objects.delete()
    portal.extra["DOCUMENT_STORAGE_ALSO"] = ""
    assert portal.run("verify_storage").line == {"checked": DOCUMENTS, "missing": 0, "corrupt": 0, "orphans": 0}
