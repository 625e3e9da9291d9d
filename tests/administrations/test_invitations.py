"""From the button to the page behind the link."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations import services
from administrations.access import open_invitations, role_in
from administrations.models import Invitation, Role, User
from tests.cast import PASSWORD, Cast
from zenvoices.lib import links

SignIn = Callable[[User], Client]


def invite(cast: Cast, email: str, **more: Any) -> tuple[Invitation, str]:
    made, token = services.invite(
        environment=cast.office,
        email=email,
        environment_admin=False,
        roles={cast.basic.pk: Role.USER},
        by=cast.anna,
    )
    for name, value in more.items():
        setattr(made, name, value)
    made.save()
    return made, reverse("invitation", args=[token])


def test_beheerder_invites_and_a_new_person_starts_working(cast: Cast, signed_in: SignIn, client: Client) -> None:
    answer = signed_in(cast.bert).post(
        reverse("administration-invite", args=[cast.bakery.pk]), {"email": "nieuw@devries.test", "role": "user"}
    )
    assert answer.status_code == 302
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["nieuw@devries.test"], "Uitnodiging voor Kantoor Jansen in Zenvoices")
    link = re.search(r"http://localhost:8000(/invitation/\S+)", letter.body)
    assert link
    assert client.get(link[1]).status_code == 200
    answer = client.post(link[1], {"name": "Nieuw Persoon", "password": PASSWORD})
    assert answer.status_code == 302
    newcomer = User.objects.get(email="nieuw@devries.test")
    assert (newcomer.name, role_in(newcomer, cast.bakery)) == ("Nieuw Persoon", Role.USER)
    assert client.get(reverse("my-settings")).status_code == 200
    assert client.get(link[1]).status_code == 410


def test_invitation_is_written_in_the_language_of_the_inviter(cast: Cast, signed_in: SignIn) -> None:
    User.objects.filter(pk=cast.bert.pk).update(language="en")
    signed_in(cast.bert).post(
        reverse("administration-invite", args=[cast.bakery.pk]), {"email": "new@devries.test", "role": "user"}
    )
    assert mail.outbox[0].subject == "Invitation to Kantoor Jansen in Zenvoices"


def test_a_weak_password_is_refused_beside_the_field(cast: Cast, client: Client) -> None:
    _made, link = invite(cast, "nieuw@devries.test")
    answer = client.post(link, {"name": "Nieuw", "password": "kort"})
    assert answer.status_code == 422
    assert 'value="Nieuw"' in answer.content.decode()
    assert not User.objects.filter(email="nieuw@devries.test").exists()


def test_known_person_signs_in_first_and_then_accepts(cast: Cast, signed_in: SignIn, client: Client) -> None:
    _made, link = invite(cast, cast.gerda.email)
    assert f"{reverse('account_login')}?next={link}" in client.get(link).content.decode()
    assert client.post(link, {"name": "Dief", "password": PASSWORD}).status_code == 200
    assert role_in(cast.gerda, cast.basic) is None
    assert signed_in(cast.gerda).get(link).status_code == 200
    assert signed_in(cast.gerda).post(link).status_code == 302
    assert role_in(cast.gerda, cast.basic) == Role.USER


def test_another_person_is_told_whom_it_is_for(cast: Cast, signed_in: SignIn) -> None:
    _made, link = invite(cast, "nieuw@devries.test")
    for answer in (signed_in(cast.charlie).get(link), signed_in(cast.charlie).post(link)):
        assert answer.status_code == 403
        assert "Deze uitnodiging is voor iemand anders" in answer.content.decode()
    assert role_in(cast.charlie, cast.basic) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"accepted_at": timezone.now()}, "Deze uitnodiging is al gebruikt"),
        ({"withdrawn_at": timezone.now()}, "Deze uitnodiging is ingetrokken"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "Deze uitnodiging is verlopen"),
    ],
)
def test_a_closed_invitation_says_why(cast: Cast, client: Client, change: dict[str, Any], sentence: str) -> None:
    _made, link = invite(cast, "nieuw@devries.test", **change)
    answer = client.get(link)
    assert answer.status_code == 410
    assert f"<h1>{sentence}</h1>" in answer.content.decode()


def test_sending_again_ends_the_old_link(cast: Cast, signed_in: SignIn, client: Client) -> None:
    made, link = invite(cast, "nieuw@devries.test")
    signed_in(cast.anna).post(reverse("environment-invitation-resend", args=[cast.office.pk, made.pk]))
    assert len(mail.outbox) == 1
    assert client.get(link).status_code == 404


def test_a_mail_server_that_refuses_is_told(cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise SMTPException("no")

    monkeypatch.setattr(links, "send_mail", refuse)
    page = signed_in(cast.bert).post(
        reverse("administration-invite", args=[cast.bakery.pk]),
        {"email": "nieuw@devries.test", "role": "user"},
        follow=True,
    )
    assert "De e-mail aan nieuw@devries.test kon niet worden verstuurd." in page.content.decode()


def test_beheerder_of_one_administration_leaves_wider_invitations_alone(cast: Cast, signed_in: SignIn) -> None:
    made, _token = services.invite(
        environment=cast.office,
        email="nieuw@jansen.test",
        environment_admin=False,
        roles={cast.bakery.pk: Role.USER, cast.basic.pk: Role.USER},
        by=cast.anna,
    )
    for act in ("resend", "withdraw"):
        address = reverse(f"administration-invitation-{act}", args=[cast.bakery.pk, made.pk])
        assert signed_in(cast.bert).post(address).status_code == 403


def test_inviting_somebody_who_has_access_is_refused(cast: Cast, signed_in: SignIn) -> None:
    answer = signed_in(cast.bert).post(
        reverse("administration-invite", args=[cast.bakery.pk]), {"email": "Gerda@devries.test", "role": "admin"}
    )
    assert answer.status_code == 422
    assert role_in(cast.gerda, cast.bakery) == Role.USER


@pytest.mark.parametrize("environment_admin", [True, False])
def test_beheerder_of_one_administration_leaves_invitations_for_more_alone(
    cast: Cast, signed_in: SignIn, environment_admin: bool
) -> None:
    wide, _token = services.invite(
        environment=cast.office,
        email="nieuw@devries.test",
        environment_admin=environment_admin,
        roles={} if environment_admin else {cast.bakery.pk: Role.USER, cast.basic.pk: Role.USER},
        by=cast.anna,
    )
    for role in ("submitter", "user"):
        signed_in(cast.bert).post(
            reverse("administration-invite", args=[cast.bakery.pk]), {"email": "nieuw@devries.test", "role": role}
        )
    wide.refresh_from_db()
    open_now = open_invitations(cast.office).filter(email="nieuw@devries.test")
    assert wide.withdrawn_at is None
    assert [one.roles for one in open_now.exclude(pk=wide.pk)] == [{str(cast.bakery.pk): "user"}]


@pytest.mark.parametrize(
    ("page", "place", "said"),
    [
        ("administration-invite", "bakery", "heeft al toegang"),
        ("environment-invite", "office", "al in deze omgeving"),
    ],
)
def test_who_is_in_already_is_not_invited(cast: Cast, signed_in: SignIn, page: str, place: str, said: str) -> None:
    typed = {"email": "Gerda@devries.test", "role": "user", "environment_admin": "on"}
    answer = signed_in(cast.anna).post(reverse(page, args=[getattr(cast, place).pk]), typed)
    (error,) = answer.context["form"].errors["email"]
    assert (answer.status_code, said in str(error), Invitation.objects.count()) == (422, True, 0)
