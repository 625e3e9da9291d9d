"""Whose a domain is, and which two look alike."""

from __future__ import annotations

import pytest

from zenvoices.lib.domains import is_inside, look_alike, one_edit_apart, owned, sender_key

CYRILLIC = "xn--" + "мееl".encode("punycode").decode() + ".test"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("mail.meel.nl", "meel.nl"),
        ("MX1.Meel.CO.UK", "meel.co.uk"),
        ("meel.nl.", "meel.nl"),
        ("AS8PR05.eurprd05.prod.outlook.com", "outlook.com"),
        ("DUZPR01CA0093.outlook.office365.com", "outlook.com"),
        ("10.1.2.3", ""),
        ("[198.51.100.7]", ""),
        ("2002:a05:6a10:3192:b0:4f2", ""),
        ("sloti22d1t06", ""),
        ("phl-compute-05.nyi.internal", ""),
        ("", ""),
    ],
)
def test_the_name_that_somebody_registered(host: str, name: str) -> None:
    assert owned(host) == name


def test_names_of_one_network_are_inside() -> None:
    assert [is_inside(host) for host in ("localhost", "[127.0.0.1]", "a.lan", "desktop", "a.test")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_strangers_at_a_public_provider_are_told_apart() -> None:
    assert sender_key("Jan@Gmail.com") == "jan@gmail.com"
    assert sender_key("Jan@mail.meel.nl") == "meel.nl"
    assert sender_key("nobody") == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("meelfabriek.nl", "meelfabrlek.nl"),
        ("meelfabriek.nl", "meelfabriekk.nl"),
        ("meelfabriek.nl", "meelfabreik.nl"),
        ("meelfabriek.nl", "meel-fabriek.nl"),
        ("bakkerij.nl", "bakkerij.ml"),
        ("bakkerij.com", "bakkerij.co"),
        ("rnolen.nl", "molen.nl"),
        ("b0l.com", "bol.com"),
        ("meel.test", CYRILLIC),
        ("café-molen.nl", "cafe-molen.nl"),
    ],
)
def test_domains_that_look_alike(one: str, other: str) -> None:
    assert (look_alike(one, other), look_alike(other, one)) == (True, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("meelfabriek.nl", "meelfabriek.nl"),
        ("meelfabriek.nl", "meelfabriek.com"),
        ("exact.nl", "exact.be"),
        ("exact.be", "exact.de"),
        ("kpn.nl", "knn.nl"),
        ("meelfabriek.nl", "bakkerij.nl"),
        ("xn--" + "9" * 59 + ".nl", "xn--!.nl"),
    ],
)
def test_domains_that_do_not(one: str, other: str) -> None:
    assert not look_alike(one, other)


def test_one_edit_is_one() -> None:
    assert [one_edit_apart("abcde", other) for other in ("abcde", "abcd", "abcdef", "abxde", "abdce", "badce")] == [
        False, True, True, True, True, False,
    ]  # fmt: skip
