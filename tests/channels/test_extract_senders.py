"""Who sent a mail, from headers that programs really write."""

from __future__ import annotations

import pytest

from channels.extract import extract, heading


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ('From: "BV, Jan" <jan@x.example>', "BV, Jan", "jan@x.example"),
        ("From: jan@x.example (Jan)", "Jan", "jan@x.example"),
        ("From: a@x.example, Jan <b@x.example>", "", "a@x.example"),
        # the address encoded along with the name
        ("From: =?utf-8?B?IndhcnRhYiIgPHdhckB0YWIuZXhhbXBsZT4=?=", "wartab", "war@tab.example"),
        ("From: =?utf-8?Q?Jan_=3Cjan=40x=2Eexample=3E?=", "Jan", "jan@x.example"),
        ("From: =?utf-8?Q??= <jan@x.example>", "", "jan@x.example"),
        # something else with an @ in the name, or a bracket too many
        ("From: jan@exa... <jan@x.example>", "jan@exa...", "jan@x.example"),
        ("From: Jan\r\n\t<Jan de Boer <jan@x.example>", "Jan <Jan de Boer", "jan@x.example"),
        ("From: Jan [mailto:jan@x.example]", "Jan", "jan@x.example"),
        ("From: Jan <mailto:jan@x.example>", "Jan", "jan@x.example"),
        # nobody in From
        ("Sender: Jan <jan@x.example>", "Jan", "jan@x.example"),
        ("From:", "", ""),
    ],
)
def test_sender_is_who_a_person_would_see(written: str, name: str, address: str) -> None:
    raw = f"Received: from a by b\r\n{written}\r\nSubject: x\r\n\r\nBeste".encode()
    mail, head = extract(raw), heading(raw)

    assert (mail.sender_name, mail.sender_address) == (name, address)
    assert (head.sender_name, head.sender_address) == (name, address)
