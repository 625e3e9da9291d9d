"""What invitations and roles give and take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from administrations import services
from administrations.access import open_invitations, people_with_access, role_in
from administrations.models import Administration, EnvironmentAdmin, Invitation, Role, User
from tests.cast import Cast, person
from zenvoices.lib import links


def invite(cast: Cast, email: str = "nieuw@devries.test", role: Role = Role.USER, **more: object) -> Invitation:
    made, _token = services.invite(
        environment=cast.office,
        email=email,
        **{"environment_admin": False, "roles": {cast.bakery.pk: role}, "by": cast.bert, **more},
    )
    return made


def test_invitation_keeps_only_the_hash_of_its_token(cast: Cast) -> None:
    made, token = services.invite(
        environment=cast.office, email="Nieuw@DeVries.test ", environment_admin=False, roles={}, by=cast.bert
    )
    assert made.token_hash == links.hashed(token)
    assert token not in str(Invitation.objects.values().get())
    assert made.email == "nieuw@devries.test"


def test_second_invitation_replaces_the_first(cast: Cast) -> None:
    first, second = invite(cast), invite(cast)
    first.refresh_from_db()
    assert first.closed_because == "withdrawn"
    assert list(open_invitations(cast.office)) == [second]


def test_accepting_gives_what_was_promised_once(cast: Cast) -> None:
    made, newcomer = invite(cast), person("nieuw@devries.test", "Nieuw")
    assert services.accept_invitation(invitation=made, user=newcomer) == cast.bakery
    assert role_in(newcomer, cast.bakery) == Role.USER
    assert role_in(newcomer, cast.basic) is None
    with pytest.raises(services.InvitationClosed):
        services.accept_invitation(invitation=made, user=newcomer)


def test_accepting_never_takes_a_higher_role_away(cast: Cast) -> None:
    services.accept_invitation(invitation=invite(cast, role=Role.SUBMITTER), user=cast.bert)
    assert role_in(cast.bert, cast.bakery) == Role.ADMIN


def test_accepting_ignores_an_administration_of_another_environment(cast: Cast) -> None:
    made = invite(cast, roles={cast.foreign.pk: Role.ADMIN}, by=cast.anna)
    services.accept_invitation(invitation=made, user=cast.gerda)
    assert role_in(cast.gerda, cast.foreign) is None


def test_invited_environment_admin_is_beheerder_everywhere_and_later_too(cast: Cast) -> None:
    made = invite(cast, environment_admin=True, roles={}, by=cast.anna)
    user = services.accept_as_new_person(invitation=made, name="Nieuw", password="Correct-paard-9", language="en")
    later = services.create_administration(environment=cast.office, name="Later", plan="basic")
    assert [role_in(user, each) for each in (cast.bakery, cast.basic, later)] == [Role.ADMIN] * 3
    assert (user.email, user.language, user.check_password("Correct-paard-9")) == ("nieuw@devries.test", "en", True)


def test_expired_invitation_is_refused_and_renewing_opens_it(cast: Cast) -> None:
    made = invite(cast)
    made.expires_at = timezone.now() - timedelta(minutes=1)
    made.save()
    with pytest.raises(services.InvitationClosed):
        services.accept_invitation(invitation=made, user=cast.gerda)
    old = made.token_hash
    services.renew_invitation(invitation=made, by=cast.anna)
    made.refresh_from_db()
    assert (made.closed_because, made.token_hash != old) == ("", True)


def test_withdrawn_invitation_is_refused(cast: Cast) -> None:
    made = invite(cast)
    services.withdraw_invitation(invitation=made)
    with pytest.raises(services.InvitationClosed):
        services.accept_invitation(invitation=made, user=cast.gerda)


def test_set_access_is_exactly_what_is_named(cast: Cast) -> None:
    services.set_access(
        environment=cast.office, user=cast.gerda, environment_admin=False, roles={cast.basic.pk: Role.ADMIN}
    )
    assert (role_in(cast.gerda, cast.bakery), role_in(cast.gerda, cast.basic)) == (None, Role.ADMIN)


def test_last_beheerder_of_an_environment_stays(cast: Cast) -> None:
    with pytest.raises(services.LastAdministrator):
        services.remove_person(environment=cast.office, user=cast.anna)
    assert role_in(cast.anna, cast.bakery) == Role.ADMIN


def test_beheerder_may_leave_when_another_stays(cast: Cast) -> None:
    services.add_environment_admin(environment=cast.office, user=cast.gerda)
    services.remove_person(environment=cast.office, user=cast.anna)
    assert set(EnvironmentAdmin.objects.filter(environment=cast.office).values_list("user", flat=True)) == {
        cast.gerda.pk
    }


def test_inactive_beheerder_does_not_count_as_the_one_who_stays(cast: Cast) -> None:
    services.add_environment_admin(environment=cast.office, user=cast.gerda)
    User.objects.filter(pk=cast.gerda.pk).update(is_active=False)
    with pytest.raises(services.LastAdministrator):
        services.remove_person(environment=cast.office, user=cast.anna)


def test_removed_person_keeps_their_other_environment(cast: Cast) -> None:
    services.set_role(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    services.remove_person(environment=cast.office, user=cast.gerda)
    assert cast.gerda not in people_with_access(cast.bakery)
    assert role_in(cast.gerda, cast.foreign) == Role.USER


def test_created_environment_has_its_admin(cast: Cast) -> None:
    made = services.create_environment(name="Kantoor Nieuw", admin=cast.gerda)
    administration = services.create_administration(environment=made, name="Eerste", plan=Administration.Plan.BASIC)
    assert (role_in(cast.gerda, administration), administration.is_premium) == (Role.ADMIN, False)
