"""The same promises as test_storage, kept by a real server that speaks S3."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.config import Config

from documents import objectstore, storage
from tests.servers.s3 import S3, Between, between, s3_server

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


@pytest.fixture
def faulty(server: S3, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    with between(server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


FAULTS = [("denied", "storage_failed"), ("full", "disk_full"), ("silent", "storage_failed")]


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[fault for fault, _code in FAULTS])
def test_bucket_that_does_not_do_as_it_should_is_no_missing_blob(
    faulty: Between, monkeypatch: pytest.MonkeyPatch, fault: str, code: str
) -> None:
    impatient = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
    monkeypatch.setattr(objectstore, "_PATIENCE", impatient)
    storage.put_bytes(OFFICE, PDF)
    faulty.fault = fault
    acts: list[Callable[[], object]] = [
        lambda: storage.put_bytes(OFFICE, b"%PDF another"),
        lambda: storage.open_blob(OFFICE, NAME),
        lambda: storage.size(OFFICE, NAME),
        lambda: storage.delete(OFFICE, NAME),
        lambda: list(storage.iterate(OFFICE)),
    ]
    said = [problem_of(act) for act in acts]
    faulty.fault = ""
    faulty.released.set()
    assert set(said) <= {code, "storage_failed"}, said
    with storage.open_blob(OFFICE, NAME) as blob:
        assert blob.read() == PDF


def problem_of(act: Callable[[], object]) -> str:
    try:
        act()
    except storage.StorageProblem as problem:
        return problem.code
    except storage.BlobMissing:
        return "missing"
    return "done"


def test_nothing_is_taken_to_be_stored_by_who_is_no_store(faulty: Between) -> None:
    """As a network that answers everybody with a page of its own."""
    faulty.fault, faulty.methods = "garbage", frozenset({"PUT", "GET"})
    acts: list[Callable[[], object]] = [lambda: storage.put_bytes(OFFICE, PDF), lambda: list(storage.iterate(OFFICE))]
    assert [problem_of(act) for act in acts] == ["storage_failed"] * 2


def test_answer_that_breaks_off_is_a_problem_of_storage(faulty: Between) -> None:
    storage.put_bytes(OFFICE, PDF)
    faulty.fault, faulty.methods = "broken", frozenset({"GET"})
    assert problem_of(lambda: storage.open_blob(OFFICE, NAME)) == "storage_failed"


def test_bucket_that_is_gone_has_lost_no_blob(bucket: Any) -> None:
    storage.put_bytes(OFFICE, PDF)
    bucket.objects.all().delete()
    bucket.delete()
    acts: list[Callable[[], object]] = [
        lambda: storage.open_blob(OFFICE, NAME),
        lambda: storage.size(OFFICE, NAME),
        lambda: storage.exists(OFFICE, NAME),
        lambda: storage.delete(OFFICE, NAME),
        lambda: storage.path_of(OFFICE, NAME).__enter__(),
    ]
    assert [problem_of(act) for act in acts] == ["storage_failed"] * 5


def test_disk_here_that_is_full_is_told_as_such(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.put_bytes(OFFICE, PDF)

    def full(*args: Any) -> Any:
        return open("/dev/full", "wb", buffering=0)

    monkeypatch.setattr(objectstore.tempfile, "TemporaryFile", full)
    assert problem_of(lambda: storage.open_blob(OFFICE, NAME)) == "disk_full"
