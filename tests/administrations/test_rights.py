"""What was handed out is worth what its maker may still give, at the moment that it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from administrations import environment_views, services
from administrations.access import open_invitations, role_in
from administrations.models import AdministrationAccess, EnvironmentAdmin, Invitation, Role, User
from tests.cast import PASSWORD, Cast

SignIn = Callable[[User], Client]
GUEST = "gast@devries.test"


def invite(cast: Cast, by: User, **what: Any) -> tuple[Invitation, str]:
    given = {"environment_admin": False, "roles": {cast.bakery.pk: Role.ADMIN}} | what
    made, token = services.invite(environment=cast.office, email=GUEST, by=by, **given)
    return made, reverse("invitation", args=[token])


def removed(cast: Cast) -> None:
    services.set_role(administration=cast.bakery, user=cast.bert, role=None)


def demoted(cast: Cast) -> None:
    services.set_role(administration=cast.bakery, user=cast.bert, role=Role.USER)


def out_of_the_environment(cast: Cast) -> None:
    services.remove_person(environment=cast.office, user=cast.bert)


def moved_to_another_administration(cast: Cast) -> None:
    roles = {cast.basic.pk: Role.ADMIN}
    services.set_access(environment=cast.office, user=cast.bert, environment_admin=False, roles=roles)


def ended_by_the_operator(cast: Cast) -> None:
    User.objects.filter(pk=cast.bert.pk).update(is_active=False)


def rights_erased_behind_our_back(cast: Cast) -> None:
    AdministrationAccess.objects.filter(user=cast.bert).delete()


LOSSES = [
    removed, demoted, out_of_the_environment, moved_to_another_administration, ended_by_the_operator,
    rights_erased_behind_our_back,
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_invitation_of_somebody_who_lost_the_right_makes_nobody_anything(
    cast: Cast, client: Client, loss: Callable[[Cast], None]
) -> None:
    _made, link = invite(cast, cast.bert)
    loss(cast)
    opened, answered = client.get(link), client.post(link, {"name": "Gast", "password": PASSWORD})
    assert (opened.status_code, answered.status_code) == (410, 410)
    assert not User.objects.filter(email=GUEST).exists()


@pytest.mark.parametrize("loss", LOSSES)
def test_person_who_is_known_already_gets_nothing_either(
    cast: Cast, signed_in: SignIn, loss: Callable[[Cast], None]
) -> None:
    guest = User.objects.create_user(GUEST, PASSWORD)
    _made, link = invite(cast, cast.bert)
    loss(cast)
    assert signed_in(guest).post(link).status_code == 410
    assert role_in(guest, cast.bakery) is None


def test_right_that_is_lost_after_the_page_was_read_is_asked_for_again_under_the_lock(cast: Cast) -> None:
    made, _link = invite(cast, cast.bert)
    stale = Invitation.objects.get(pk=made.pk)
    rights_erased_behind_our_back(cast)
    with pytest.raises(services.InvitationClosed):
        services.accept_as_new_person(invitation=stale, name="Gast", password=PASSWORD, language="nl")


def test_beheerder_of_the_environment_who_is_one_no_more_made_nobody_beheerder(cast: Cast, client: Client) -> None:
    services.add_environment_admin(environment=cast.office, user=cast.gerda)
    _made, link = invite(cast, cast.gerda, environment_admin=True, roles={})
    roles = {cast.bakery.pk: Role.ADMIN}
    services.set_access(environment=cast.office, user=cast.gerda, environment_admin=False, roles=roles)
    assert client.post(link, {"name": "Gast", "password": PASSWORD}).status_code == 410
    assert EnvironmentAdmin.objects.filter(environment=cast.office).count() == 1


def test_who_keeps_a_right_to_give_it_keeps_the_invitation(cast: Cast, client: Client) -> None:
    """Beheerder of the environment becomes Beheerder of the one administration that it is about."""
    services.add_environment_admin(environment=cast.office, user=cast.gerda)
    _made, link = invite(cast, cast.gerda)
    roles = {cast.bakery.pk: Role.ADMIN}
    services.set_access(environment=cast.office, user=cast.gerda, environment_admin=False, roles=roles)
    assert client.post(link, {"name": "Gast", "password": PASSWORD}).status_code == 302
    assert role_in(User.objects.get(email=GUEST), cast.bakery) == Role.ADMIN


def test_right_that_comes_back_opens_no_old_invitation(cast: Cast, client: Client) -> None:
    _made, link = invite(cast, cast.bert)
    demoted(cast)
    services.set_role(administration=cast.bakery, user=cast.bert, role=Role.ADMIN)
    assert client.get(link).status_code == 410


def gerda_is_asked(cast: Cast, **what: Any) -> str:
    """By Anna, for what comes to her own role in the bakery."""
    given = {"environment_admin": False, "roles": {cast.bakery.pk: Role.ADMIN}} | what
    _made, token = services.invite(environment=cast.office, email=cast.gerda.email, by=cast.anna, **given)
    return reverse("invitation", args=[token])


def roles_of(user: User, cast: Cast) -> tuple[Role | None, Role | None]:
    return role_in(user, cast.bakery), role_in(user, cast.basic)


def test_whoever_was_removed_comes_not_back_by_an_earlier_invitation(cast: Cast, signed_in: SignIn) -> None:
    link = gerda_is_asked(cast)
    services.set_role(administration=cast.bakery, user=cast.gerda, role=None)
    assert signed_in(cast.gerda).post(link).status_code == 410
    assert roles_of(cast.gerda, cast) == (None, None)
    assert not open_invitations(cast.office).exists()


def test_invitation_gives_only_what_was_not_taken_since(cast: Cast, signed_in: SignIn) -> None:
    link = gerda_is_asked(cast, roles={cast.bakery.pk: Role.ADMIN, cast.basic.pk: Role.USER})
    services.set_role(administration=cast.bakery, user=cast.gerda, role=None)
    assert signed_in(cast.gerda).post(link).status_code == 302
    assert roles_of(cast.gerda, cast) == (None, Role.USER)


@pytest.mark.parametrize("what", [{"environment_admin": True, "roles": {}}, {}])
def test_whoever_left_the_environment_comes_not_back_to_any_of_it(
    cast: Cast, signed_in: SignIn, what: dict[str, Any]
) -> None:
    services.add_environment_admin(environment=cast.office, user=cast.gerda)
    link = gerda_is_asked(cast, **{"roles": {cast.basic.pk: Role.USER}} | what)
    services.remove_person(environment=cast.office, user=cast.gerda)
    assert signed_in(cast.gerda).post(link).status_code == 410
    assert roles_of(cast.gerda, cast) == (None, None)


def test_no_longer_beheerder_of_the_environment_by_an_earlier_invitation(cast: Cast, signed_in: SignIn) -> None:
    services.add_environment_admin(environment=cast.office, user=cast.gerda)
    link = gerda_is_asked(cast, environment_admin=True, roles={})
    roles = {cast.bakery.pk: Role.USER}
    services.set_access(environment=cast.office, user=cast.gerda, environment_admin=False, roles=roles)
    assert signed_in(cast.gerda).post(link).status_code == 410
    assert roles_of(cast.gerda, cast) == (Role.USER, None)


@pytest.mark.parametrize("what", [{"environment_admin": True, "roles": {}}, {"roles": None}])
def test_nobody_invites_to_what_they_may_not_give(cast: Cast, what: dict[str, Any]) -> None:
    given = what if what["roles"] is not None else {"roles": {cast.bakery.pk: Role.USER, cast.basic.pk: Role.USER}}
    with pytest.raises(PermissionDenied):
        invite(cast, cast.bert, **given)


def test_list_says_why_an_invitation_ended_and_another_takes_it_over(
    cast: Cast, signed_in: SignIn, client: Client
) -> None:
    made, old = invite(cast, cast.bert)
    demoted(cast)
    anna = signed_in(cast.anna)
    for page in (
        reverse("environment-people", args=[cast.office.pk]),
        reverse("administration-people", args=[cast.bakery.pk]),
    ):
        said = anna.get(page).content.decode()
        assert "Bert de Vries mag dit niet meer geven" in said
    anna.post(reverse("environment-invitation-resend", args=[cast.office.pk, made.pk]))
    made.refresh_from_db()
    assert (made.closed_because, made.invited_by) == ("", cast.anna)
    assert client.get(old).status_code == 404


def test_invitation_that_ended_can_be_taken_from_the_list(cast: Cast, signed_in: SignIn) -> None:
    made, _link = invite(cast, cast.bert)
    demoted(cast)
    signed_in(cast.anna).post(reverse("environment-invitation-withdraw", args=[cast.office.pk, made.pk]))
    assert list(open_invitations(cast.office)) == []


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("nl", "Vraag een nieuwe uitnodiging aan wie je uitnodigde."),
        ("en", "Ask whoever invited you for a new invitation."),
    ],
)
def test_link_that_ended_says_what_to_do_and_not_what_it_was(
    cast: Cast, client: Client, language: str, sentence: str
) -> None:
    _made, link = invite(cast, cast.bert)
    demoted(cast)
    page = client.get(link, headers={"Accept-Language": language}).content.decode()
    assert sentence in page
    assert [word for word in ("Kantoor Jansen", "Bakkerij", "Bert", GUEST) if word in page] == []


@pytest.mark.parametrize("act", ["resend", "withdraw"])
def test_invitation_that_is_accepted_meanwhile_is_neither_sent_nor_withdrawn(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """Between the page's list and the button."""
    made, _link = invite(cast, cast.bert)

    def found_open(*_asked: object) -> Invitation:
        stale = Invitation.objects.get(pk=made.pk)
        services.accept_as_new_person(invitation=stale, name="Gast", password=PASSWORD, language="nl")
        return stale

    monkeypatch.setattr(environment_views, "invitation_in", found_open)
    answer = signed_in(cast.anna).post(
        reverse(f"environment-invitation-{act}", args=[cast.office.pk, made.pk]), follow=True
    )
    made.refresh_from_db()
    assert (made.withdrawn_at, made.closed_because) == (None, "used")
    assert "Deze uitnodiging is al gebruikt" in answer.content.decode()
