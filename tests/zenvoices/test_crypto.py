"""Secrets at rest."""

import pytest

from zenvoices.lib.crypto import KeyProblem, KeyRing, new_key

OLD, NEW = new_key(), new_key()


def test_secret_opens_with_its_place() -> None:
    ring = KeyRing([OLD])
    token = ring.encrypt("geheim é", belongs_to="channel:1:password")
    assert ring.decrypt(token, belongs_to="channel:1:password") == "geheim é"


def test_same_secret_is_never_written_the_same() -> None:
    ring = KeyRing([OLD])
    assert ring.encrypt("x", belongs_to="a") != ring.encrypt("x", belongs_to="a")


def test_secret_moved_to_another_row_does_not_open() -> None:
    ring = KeyRing([OLD])
    token = ring.encrypt("geheim", belongs_to="channel:1:password")
    with pytest.raises(KeyProblem):
        ring.decrypt(token, belongs_to="channel:2:password")


def test_old_secrets_open_after_a_new_key_comes_first() -> None:
    token = KeyRing([OLD]).encrypt("geheim", belongs_to="a")
    ring = KeyRing([NEW, OLD])
    assert ring.decrypt(token, belongs_to="a") == "geheim"


def test_missing_key_is_named_and_nothing_else() -> None:
    token = KeyRing([OLD]).encrypt("geheim", belongs_to="a")
    with pytest.raises(KeyProblem, match="no key") as caught:
        KeyRing([NEW]).decrypt(token, belongs_to="a")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "1", "1.x", "1..", "2.aaaa.bbbb", "nonsense"])
def test_malformed_token_is_a_key_problem(token: str) -> None:
    with pytest.raises(KeyProblem):
        KeyRing([OLD]).decrypt(token, belongs_to="a")


@pytest.mark.parametrize("keys", [[], ["short"], ["AAAA"], ["é"]])
def test_malformed_key_ring_is_refused(keys: list[str]) -> None:
    with pytest.raises(KeyProblem):
        KeyRing(keys)


def test_key_never_shows_itself() -> None:
    assert OLD not in repr(KeyRing([OLD]))
