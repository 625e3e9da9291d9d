"""Sets the environment of a test run before Django reads its settings (loaded with `-p tests.environment`)."""

import base64
import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from typing import Any

import pytest

#: names the folder that all processes of a run share: those of pytest-xdist find it set
SHARED = "TESTS_SHARED_FOLDER"

os.fsync = lambda handle: None  # no power goes in a test: what a process has written is there, also when it is killed
gc.disable()  # until all is collected: to look for garbage in what only grows takes a fifth of that time
_folder = tempfile.mkdtemp(prefix="zenvoices-test-")
_shared = "" if SHARED in os.environ else tempfile.mkdtemp(prefix="zenvoices-shared-")
os.environ.setdefault(SHARED, _shared)
os.makedirs(os.path.join(_folder, "static"))  # whitenoise warns about a missing folder
os.environ.update(
    DATA_DIR=_folder,
    SECRET_KEY="a secret of the test run",
    CREDENTIAL_KEYS=base64.urlsafe_b64encode(b"k" * 32).decode(),
    BASE_URL="http://localhost:8000",
    MAIL_ALLOW_PRIVATE_HOSTS="true",
    EMAIL_URL="memorymail://",
    LOG_FORMAT="json",
    LOG_LEVEL="WARNING",
)
# Playwright's synchronous API runs an event loop in the thread of the test.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    try:
        return (yield)
    finally:
        gc.freeze()  # what is collected stays: no look for garbage goes through it again
        gc.enable()


def pytest_unconfigure() -> None:
    for folder in filter(None, (_folder, _shared)):
        shutil.rmtree(folder, ignore_errors=True)
