"""The same promises as test_storage, kept by a real server that speaks S3."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from documents import storage
from tests.servers.s3 import S3, s3_server

pytestmark = pytest.mark.slow

OFFICE = UUID("11111111-2222-3333-4444-555555555555")
PDF = b"%PDF-1.7 invoice"
NAME = hashlib.sha256(PDF).hexdigest()
BUCKETS = (f"bucket-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3_server() as running:
        yield running


@pytest.fixture(params=["documents/here", ""])
def bucket(request: Any, server: S3, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    name = next(BUCKETS)
    settings.DOCUMENT_STORAGE = f"s3://{name}/{request.param}"
    return server.make_bucket(name)


def test_a_blob_is_named_by_its_content_under_its_administration(bucket: Any) -> None:
    assert storage.put_bytes(OFFICE, memoryview(PDF)) == NAME
    assert storage.put_bytes(OFFICE, PDF) == NAME

    assert [one.key.removeprefix("documents/here/") for one in bucket.objects.all()] == [f"{OFFICE}/{NAME[:2]}/{NAME}"]
    with storage.open_blob(OFFICE, NAME) as blob:
        assert blob.read() == PDF
    with storage.path_of(OFFICE, NAME) as path:
        assert path.read_bytes() == PDF
    assert (storage.size(OFFICE, NAME), storage.exists(OFFICE, NAME)) == (len(PDF), True)


def test_another_administration_does_not_see_it(bucket: Any) -> None:
    storage.put_bytes(OFFICE, PDF)
    stranger = uuid4()

    with pytest.raises(storage.BlobMissing):
        storage.open_blob(stranger, NAME)
    with pytest.raises(storage.BlobMissing), storage.path_of(stranger, NAME):
        pass
    assert list(storage.iterate(stranger)) == []
    assert [(one.administration_id, one.sha256, one.size) for one in storage.iterate()] == [(OFFICE, NAME, len(PDF))]


def test_a_blob_that_is_not_what_it_should_be_is_written_again(bucket: Any) -> None:
    storage.put_bytes(OFFICE, PDF)
    [found] = bucket.objects.all()
    found.put(Body=b"%PDF")

    storage.put_bytes(OFFICE, PDF)

    with storage.open_blob(OFFICE, NAME) as blob:
        assert blob.read() == PDF


@pytest.mark.parametrize(
    "key", ["readme.txt", "a/b/c", "old/{office}/{shard}/{name}", "{office}/{shard}", "{office}/zz/{name}"]
)
def test_strange_key_is_passed_over(bucket: Any, settings: Any, key: str) -> None:
    storage.put_bytes(OFFICE, PDF)
    prefix = settings.DOCUMENT_STORAGE.split("/", 3)[3]
    strange = key.format(office=OFFICE, shard=NAME[:2], name=NAME)
    bucket.Object(f"{prefix}/{strange}".lstrip("/")).put(Body=b"somebody put it there")
    assert [blob.sha256 for blob in storage.iterate()] == [NAME]
    assert [blob.sha256 for blob in storage.iterate(OFFICE)] == [NAME]


def test_deleting_spares_what_was_written_since(bucket: Any) -> None:
    storage.put_bytes(OFFICE, PDF)
    yesterday = datetime.now(UTC) - timedelta(days=1)

    assert storage.delete(OFFICE, NAME, unchanged_since=yesterday) is False
    assert storage.delete(OFFICE, NAME) is True
    assert storage.delete(OFFICE, NAME) is False
    assert storage.sweep_unfinished(yesterday) == 0


def test_a_bucket_that_is_not_there_is_no_missing_blob(bucket: Any) -> None:
    bucket.delete()
    with pytest.raises(storage.StorageProblem) as raised:
        storage.put_bytes(OFFICE, PDF)
    assert raised.value.code == "storage_failed"


def test_a_server_that_does_not_answer_is_a_problem_of_storage(
    bucket: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    settings.DOCUMENT_STORAGE = f"s3://{next(BUCKETS)}"
    with pytest.raises(storage.StorageProblem):
        storage.open_blob(OFFICE, NAME)


def test_probe_leaves_nothing_behind(bucket: Any) -> None:
    storage.probe()
    assert list(bucket.objects.all()) == []


def test_probe_names_what_a_bucket_that_is_not_there_says(bucket: Any, settings: Any) -> None:
    settings.DOCUMENT_STORAGE = "s3://no-such-bucket"
    with pytest.raises(storage.StorageProblem) as refused:
        storage.probe()
    assert storage.told(refused.value) == "NoSuchBucket"


def test_erasing_takes_everything_of_one_administration(bucket: Any) -> None:
    other = uuid4()
    for administration_id in (OFFICE, other):
        storage.put_bytes(administration_id, PDF)
        storage.put_bytes(administration_id, PDF + b"another")
    said: list[None] = []
    for _ in range(2):
        storage.erase(OFFICE, lambda: said.append(None))
    assert (len(said) >= 1, {blob.administration_id for blob in storage.iterate()}) == (True, {other})
