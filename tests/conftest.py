"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from administrations.models import User
from tests.cast import Cast, make_cast

pytest_plugins = ["tests.servers.plugin"]


@pytest.fixture(autouse=True)
def fast_passwords(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
