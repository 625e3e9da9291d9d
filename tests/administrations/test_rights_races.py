"""At the same moment: eight who accept, and a right that is taken away while it is used."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Event

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import resolve, reverse

from administrations import services
from administrations.access import role_in
from administrations.models import AdministrationAccess, Environment, EnvironmentAdmin, Invitation, Role, User
from tests.at_once import all_at_once
from tests.cast import PASSWORD, Cast, make_cast

pytestmark = [pytest.mark.thorough, pytest.mark.django_db(transaction=True)]
THREADS, GUEST = 8, "gast@devries.test"


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


def link_of(cast: Cast, environment: Environment | None = None, by: User | None = None) -> str:
    _made, token = services.invite(
        environment=environment or cast.office, email=GUEST, environment_admin=True, roles={}, by=by or cast.anna
    )
    return reverse("invitation", args=[token])


def begin(link: str) -> Callable[[], int]:
    return lambda: Client(raise_request_exception=False).post(link, {"name": "Gast", "password": PASSWORD}).status_code


def test_eight_that_accept_one_invitation_become_one_person(cast: Cast) -> None:
    link = link_of(cast)
    answers = all_at_once(*[begin(link)] * THREADS)
    assert (answers.count(302), [status for status in answers if status >= 500]) == (1, [])
    assert (User.objects.filter(email=GUEST).count(), EnvironmentAdmin.objects.filter(user__email=GUEST).count()) == (
        1,
        1,
    )


def test_two_offices_that_invite_the_same_person_make_one_account(cast: Cast) -> None:
    links = [link_of(cast), link_of(cast, cast.foreign_office, cast.charlie)]
    answers = all_at_once(*[begin(link) for link in links] * 4)
    assert (answers.count(302), [status for status in answers if status >= 500]) == (1, [])
    assert User.objects.filter(email=GUEST).count() == 1


def test_eight_that_accept_under_one_account_become_one_member(cast: Cast) -> None:
    guest = User.objects.create_user(GUEST, PASSWORD)
    _made, token = services.invite(
        environment=cast.office, email=GUEST, environment_admin=False, roles={cast.bakery.pk: Role.USER}, by=cast.bert
    )
    browsers = [Client(raise_request_exception=False) for _ in range(THREADS)]
    for browser in browsers:
        browser.force_login(guest)
    link = reverse("invitation", args=[token])
    answers = all_at_once(*[lambda browser=browser: browser.post(link).status_code for browser in browsers])
    assert answers == [302] + [410] * (THREADS - 1)
    assert list(AdministrationAccess.objects.filter(user=guest).values_list("role", flat=True)) == ["user"]


def test_accepting_while_the_maker_is_removed_ends_as_one_after_the_other(cast: Cast) -> None:
    """Never a guest who got in after the removal was told to be done: the invitation is open to the last moment."""
    for number in range(5):
        services.set_role(administration=cast.bakery, user=cast.bert, role=Role.ADMIN)
        guest = User.objects.create_user(f"gast{number}@devries.test", PASSWORD)
        made, _token = services.invite(
            environment=cast.office, email=guest.email, environment_admin=False, roles={cast.bakery.pk: Role.USER},
            by=cast.bert,
        )  # fmt: skip

        def accept(made=made, guest=guest) -> int:
            try:
                services.accept_invitation(invitation=made, user=guest)
            except services.InvitationClosed:
                return 410
            return 200

        def remove() -> int:
            services.set_role(administration=cast.bakery, user=cast.bert, role=None)
            return 0

        _removed, accepted = all_at_once(accept, remove)
        made.refresh_from_db()
        assert made.closed_because == {200: "used", 410: "withdrawn"}[accepted]
        assert role_in(guest, cast.bakery) == {200: Role.USER, 410: None}[accepted]


# --- Just before the other's commit -------------------------------------------------------------------------


def press_during(
    monkeypatch: pytest.MonkeyPatch, client: Client, url: str, found_by: str, ends: Callable[[], object], **sent: str
) -> str:
    """Somebody presses a button, and between what the view finds (`found_by`, of its module) and what it does another
    connection ends that. Returns the page that they read."""
    view = resolve(url).func
    module = import_module(view.__module__)
    find, found, go_on = getattr(module, found_by), Event(), Event()

    def finds(*args: object) -> object:
        thing = find(*args)
        found.set()
        assert go_on.wait(20)
        return thing

    monkeypatch.setattr(module, found_by, finds)

    def press() -> str:
        try:
            return client.post(url, sent, follow=True).content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        page = thread.submit(press)
        assert found.wait(20)
        with transaction.atomic():
            ends()
            go_on.set()
        return page.result(60)


def test_role_that_is_changed_while_its_person_is_removed_brings_nobody_back(
    cast: Cast, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = reverse("administration-role", args=[cast.bakery.pk, cast.gerda.pk])
    page = press_during(
        monkeypatch, signed_in(cast.bert), url, "access_in",
        lambda: services.remove_person(environment=cast.office, user=cast.gerda), role="admin",
    )  # fmt: skip
    assert role_in(cast.gerda, cast.bakery) is None
    assert "heeft geen toegang meer" in page


@pytest.mark.parametrize("with_what_was_seen", [True, False])
def test_access_that_is_saved_while_its_person_is_removed_brings_nobody_back(
    cast: Cast, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch, with_what_was_seen: bool
) -> None:
    """A page of before it kept what was seen, or a script."""
    url = reverse("environment-person", args=[cast.office.pk, cast.gerda.pk])
    anna = signed_in(cast.anna)
    seen = {"seen": str(anna.get(url).context["form"]["seen"].value())} if with_what_was_seen else {}
    page = press_during(
        monkeypatch, anna, url, "person_in_environment",
        lambda: services.remove_person(environment=cast.office, user=cast.gerda),
        **{f"role_{cast.bakery.pk}": "admin", **seen},
    )  # fmt: skip
    assert role_in(cast.gerda, cast.bakery) is None
    assert "intussen gewijzigd" in page


def test_invitation_that_is_sent_again_while_it_is_withdrawn_stays_withdrawn(
    cast: Cast, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _token = services.invite(
        environment=cast.office, email=GUEST, environment_admin=False, roles={cast.bakery.pk: Role.USER}, by=cast.bert
    )
    url = reverse("administration-invitation-resend", args=[cast.bakery.pk, made.pk])
    page = press_during(
        monkeypatch, signed_in(cast.bert), url, "invitation_in", lambda: services.withdraw_invitation(invitation=made)
    )
    made.refresh_from_db()
    assert (made.closed_because, made.token_hash) == ("withdrawn", Invitation.objects.get().token_hash)
    assert "Deze uitnodiging is ingetrokken" in page
