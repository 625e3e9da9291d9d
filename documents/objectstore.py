"""Blobs as objects: s3://bucket/prefix/<administration>/<ab>/<sha256>, through django-storages.

Endpoint, region and keys are boto3's own: AWS_ENDPOINT_URL, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID and so on.
An object is whole or absent by S3's own promise; an interrupted upload leaves nothing to be read.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import RetriesExceededError
from storages.backends.s3 import S3Storage

from documents.storage import Blob, BlobMissing, StorageProblem, Strangers, blob_at

_CHUNK = 1 << 20
_PROBE = b"a probe of the portal"
#: S3 cannot make an object young again but by writing it, and the sweep spares what is younger than a day
_YOUNG = timedelta(hours=12)
#: Boto's own is five minutes, in which a fetch loses its lease and a page its reader. What fails is tried once more.
_PATIENCE = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
_DOWNLOAD = TransferConfig(num_download_attempts=2)
#: of who waits for a word about the bucket alone
_LITTLE_PATIENCE = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1})
#: as MinIO and Ceph say it
_FULL = {"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage", "507"}


class ObjectBlobs:
    def __init__(self, location: str) -> None:
        bucket = urlsplit(location)
        self.prefix = bucket.path.strip("/")
        self.name = bucket.netloc
        self.storage = S3Storage(
            bucket_name=self.name, location=self.prefix, file_overwrite=True, client_config=_PATIENCE
        )

    def put(self, administration_id: UUID, source: BinaryIO) -> str:
        digest, size = hashlib.sha256(), 0
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        sha256 = digest.hexdigest()
        with _problems(sha256):
            if not self._is_young(administration_id, sha256, size):
                source.seek(0)
                self._object(administration_id, sha256).put(Body=source, ContentType="application/octet-stream")
        return sha256

    @contextmanager
    def batch(self, administration_id: UUID) -> Iterator[ObjectBatch]:
        yield ObjectBatch(self, administration_id)

    def _is_young(self, administration_id: UUID, sha256: str, size: int) -> bool:
        try:
            with _problems(sha256):
                found = self._object(administration_id, sha256)
                found.load()
        except BlobMissing:
            return False
        # By the store's own clock, as that moment is: taken for young, what is swept just now would not be written.
        said = found.meta.data["ResponseMetadata"]["HTTPHeaders"].get("date")
        is_young = bool(said) and parsedate_to_datetime(said) - found.last_modified < _YOUNG
        return bool(is_young and found.content_length == size)

    def open(self, administration_id: UUID, sha256: str) -> BinaryIO:
        local: Any = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
        try:
            with self._problems_of(sha256):
                self._object(administration_id, sha256).download_fileobj(local, Config=_DOWNLOAD)
        except BaseException:
            local.close()
            raise
        local.seek(0)
        opened: BinaryIO = local
        return opened

    @contextmanager
    def path_of(self, administration_id: UUID, sha256: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile() as local:
            with self._problems_of(sha256):
                self._object(administration_id, sha256).download_fileobj(local, Config=_DOWNLOAD)
                local.flush()
            yield Path(local.name)

    def size(self, administration_id: UUID, sha256: str) -> int:
        with self._problems_of(sha256):
            return int(self._object(administration_id, sha256).content_length)

    def delete(self, administration_id: UUID, sha256: str, unchanged_since: datetime | None) -> bool:
        found = self._object(administration_id, sha256)
        try:
            with self._problems_of(sha256):
                found.load()
                if unchanged_since and found.last_modified > unchanged_since:
                    return False
                found.delete()
        except BlobMissing:
            return False
        return True

    def erase(self, administration_id: UUID, alive: Callable[[], None]) -> None:
        """A thousand in one request. A bucket that keeps versions keeps them by its own rules."""
        root = f"{self.prefix}/" if self.prefix else ""
        with _problems(""):
            for page in self.storage.bucket.objects.filter(Prefix=f"{root}{administration_id}/").pages():
                alive()
                keys = [{"Key": found.key} for found in page]
                if keys and self.storage.bucket.delete_objects(Delete={"Objects": keys, "Quiet": True}).get("Errors"):
                    raise StorageProblem("storage_failed")

    def iterate(self, administration_id: UUID | None) -> Iterator[Blob]:
        root = f"{self.prefix}/" if self.prefix else ""
        start = f"{root}{administration_id}/" if administration_id else root
        strangers = Strangers()
        with _problems(""):
            for found in self.storage.bucket.objects.filter(Prefix=start):
                blob = blob_at(found.key.removeprefix(root), found.size, found.last_modified)
                if blob:
                    yield blob
                else:
                    strangers.add(found.key)
        strangers.tell()

    def sweep_unfinished(self, before: datetime) -> int:
        return 0

    def probe(self) -> None:
        """Within a few seconds: who asks waits for it."""
        place = "/".join(part for part in (self.prefix, ".probe", uuid4().hex) if part)
        with _problems(""):
            bucket = self._impatient.bucket
            bucket.put_object(Key=place, Body=_PROBE)
            found = bucket.Object(place).get()["Body"].read()
            bucket.Object(place).delete()
        if found != _PROBE:
            raise StorageProblem("storage_failed")

    def look(self) -> None:
        with _problems(""):
            list(self._impatient.bucket.objects.filter(Prefix=f"{self.prefix}/.probe").limit(1))

    @cached_property
    def _impatient(self) -> Any:
        """The bucket for who waits for its answer."""
        return S3Storage(bucket_name=self.name, client_config=_LITTLE_PATIENCE)

    @contextmanager
    def _problems_of(self, sha256: str) -> Iterator[None]:
        """To HEAD, which has no words, a bucket that is gone answers as for a blob that is missing."""
        try:
            with _problems(sha256):
                yield
        except BlobMissing:
            self.look()
            raise

    def _object(self, administration_id: UUID, sha256: str) -> Any:
        parts = (self.prefix, str(administration_id), sha256[:2], sha256)
        return self.storage.bucket.Object("/".join(part for part in parts if part))


class ObjectBatch:
    """An object is safe as soon as it is written: nothing is left to settle."""

    def __init__(self, blobs: ObjectBlobs, administration_id: UUID) -> None:
        self._blobs = blobs
        self._administration_id = administration_id

    def add(self, pieces: Iterable[bytes], sha256: str) -> None:
        try:
            with tempfile.TemporaryFile() as source:
                source.writelines(pieces)
                source.seek(0)
                self._blobs.put(self._administration_id, source)
        except OSError as problem:
            raise StorageProblem.of(problem) from problem

    def adopt(self, path: Path, sha256: str) -> None:
        try:
            with path.open("rb") as source:
                self._blobs.put(self._administration_id, source)
            path.unlink()
        except OSError as problem:
            raise StorageProblem.of(problem) from problem

    def settle(self) -> None: ...


@contextmanager
def _problems(sha256: str) -> Iterator[None]:
    try:
        yield
    except ClientError as problem:
        # HEAD answers a bare 404; whatever else is not found, as NoSuchBucket, is no missing blob.
        if _code(problem) in {"404", "NoSuchKey", "NotFound"}:
            raise BlobMissing(sha256) from problem
        raise StorageProblem("disk_full" if _code(problem) in _FULL else "storage_failed") from problem
    except (BotoCoreError, RetriesExceededError) as problem:
        raise StorageProblem("storage_failed") from problem
    except OSError as problem:  # the file here that the bytes come into
        raise StorageProblem.of(problem) from problem


def _code(problem: ClientError) -> str:
    return str(problem.response.get("Error", {}).get("Code", ""))
