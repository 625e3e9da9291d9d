"""What nobody sees is in no name: two names that look alike are one, and none turns around the words after it."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from administrations.access_form import EnvironmentInviteForm
from administrations.forms import AdministrationForm, InviteForm, NewPersonForm, ProfileForm
from administrations.models import Administration, Environment, User
from administrations.passkey_forms import AddPasskeyForm
from channels.extract.words import one_line
from channels.pages.forms import ChannelForm
from documents.forms import FilterForm
from tests.cast import Cast
from tests.channels.test_forms import TYPED
from zenvoices.lib.lines import plain_line

SignIn = Callable[[User], Client]
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN = f"{ZERO_WIDTH}{BIDI}\x00\x07\x1b\x7f\x9f"
HOSTILE = f"  Jan\u202e{UNSEEN}ssen\r\n\t Cafe\u0301 "
PLAIN = "Janssen Café"


def test_plain_line_holds_what_can_be_seen() -> None:
    assert [plain_line(HOSTILE), plain_line("Łódź & Zoë — 北京 👍"), plain_line(UNSEEN)] == [
        PLAIN,
        "Łódź & Zoë — 北京 👍",
        "",
    ]


def named(cast: Cast, name: str) -> dict[str, Any]:
    """Every form in which somebody types a name or a filter, with this one in it."""
    person = {"name": name, "language": "nl", "theme": "system"}
    return {
        "profile": ProfileForm(person, instance=cast.gerda),
        "administration": AdministrationForm({"name": name, "plan": "basic"}, environment=cast.office),
        "new person": NewPersonForm({"name": name, "password": "Nieuw-paard-12"}, email="n@w.test"),
        "channel": ChannelForm(TYPED | {"name": name}),
        "search": FilterForm({"q": name}, []),
        "sender": FilterForm({"sender": name}, []),
    }


def test_every_name_that_is_typed_becomes_plain(cast: Cast) -> None:
    found = {}
    for kind, form in named(cast, HOSTILE).items():
        assert form.is_valid(), form.errors
        field = {"search": "q", "sender": "sender"}.get(kind, "name")
        found[kind] = form.cleaned_data[field]
    assert found == dict.fromkeys(found, PLAIN)


def test_name_in_which_nothing_can_be_seen_is_none(cast: Cast) -> None:
    forms = {kind: form for kind, form in named(cast, UNSEEN).items() if kind not in ("search", "sender")}
    assert {kind: list(form.errors) for kind, form in forms.items()} == {kind: ["name"] for kind in forms}


def test_names_that_look_alike_are_the_same_administration(cast: Cast) -> None:
    form = AdministrationForm({"name": "Bakkerij\u200b De Vries", "plan": "basic"}, environment=cast.office)
    assert list(form.errors) == ["name"]


@pytest.mark.parametrize("form", [InviteForm, EnvironmentInviteForm])
def test_address_of_an_invitation_holds_nothing_unseen(cast: Cast, form: Any) -> None:
    more = {"shown": []} if form is EnvironmentInviteForm else {}
    typed = {"email": "nieuw@exa\u200bmple.test", "role": "user", "environment_admin": "on"}
    filled = form(typed, taken=User.objects.none(), **more)
    assert filled.is_valid()
    assert filled.cleaned_data["email"] == "nieuw@example.test"


def test_passkey_gets_a_plain_name() -> None:
    form = AddPasskeyForm.__new__(AddPasskeyForm)
    form.cleaned_data = {"name": HOSTILE}
    assert form.clean_name() == PLAIN


def test_operators_names_are_plain_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "Correct-paard-9")
    call_command(
        *("create_administration", "--environment", f"Kantoor{HOSTILE}", "--name", HOSTILE, "--plan", "basic"),
        *("--admin", "anna@jansen.test", "--password-env", "PASSWORD"),
        stdout=StringIO(),
    )
    assert (Environment.objects.get().name, Administration.objects.get().name) == (f"Kantoor {PLAIN}", PLAIN)


def test_renamed_person_is_shown_as_it_reads(cast: Cast, signed_in: SignIn) -> None:
    signed_in(cast.gerda).post(reverse("my-settings"), {"name": HOSTILE, "language": "nl", "theme": "system"})
    cast.gerda.refresh_from_db()
    assert cast.gerda.name == PLAIN


def test_subject_and_sender_of_a_mail_turn_no_words_around() -> None:
    assert one_line("factuur\u202efdp.exe\u2066\u200b\ufeff\u061c Jan", 100) == "factuur fdp.exe Jan"
