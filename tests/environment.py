"""Sets the environment of a test run before Django reads its settings (loaded with `-p tests.environment`)."""

import base64
import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from typing import Any

import pytest

gc.disable()  # until all is collected: to look for garbage in what only grows takes a fifth of that time
_folder = tempfile.mkdtemp(prefix="zenvoices-test-")
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
        gc.enable()


def pytest_unconfigure() -> None:
    shutil.rmtree(_folder, ignore_errors=True)
