"""The audit trail: what people do with access and accounts leaves its line, which nobody changes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations import audit, services
from administrations.audit_entry import AuditEntry
from administrations.audit_words import KINDS, SENTENCES
from administrations.models import Role, User
from tests.cast import PASSWORD, Cast, person
from tests.trail import entries, told
from zenvoices.lib.csv_files import safe_cell
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]


def sign_in(client: Client, email: str, password: str = PASSWORD) -> None:
    client.post(reverse("account_login"), {"login": email, "password": password})


# --- What people do ---------------------------------------------------------------------------------------


def test_signing_in_stands_in_each_environment_of_the_person(cast: Cast, client: Client) -> None:
    services.set_role(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    sign_in(client, "gerda@devries.test")
    for office in (cast.office, cast.foreign_office):
        (line,) = [one for one in entries(office) if one.code == "sign_in.succeeded"]
        assert (line.actor, line.actor_id, line.actor_name) == ("person", cast.gerda.pk, "Gerda Bakker")
        assert line.address == "127.0.0.1"
        assert line.administration_id is None


def test_failed_sign_in_names_the_account_and_never_what_was_typed(cast: Cast, client: Client) -> None:
    sign_in(client, "gerda@devries.test", "geheim-van-gerda")
    sign_in(client, "nobody@devries.test", "geheim-van-niemand")
    known, unknown = entries()
    assert (known.actor, known.code, known.thing_name) == ("guest", "sign_in.failed", "Gerda Bakker")
    assert known.environment_id == cast.office.pk
    assert (unknown.actor, unknown.code, unknown.thing_name) == ("guest", "sign_in.failed", "")
    assert unknown.environment_id is None
    with every_administration():
        kept = str(list(AuditEntry.objects.values()))
    assert "geheim" not in kept
    assert "nobody" not in kept


def test_second_step_is_noted_from_setting_up_to_removing(cast: Cast, signed_in: SignIn) -> None:
    browser = Client()
    sign_in(browser, "gerda@devries.test")
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = browser.get(reverse("mfa_activate_totp")).context["form"].secret
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    browser.post(reverse("mfa_activate_totp"), {"code": code})
    other = Client()
    sign_in(other, "gerda@devries.test")
    other.post(reverse("mfa_authenticate"), {"code": "000000"})
    browser.post(reverse("mfa_deactivate_totp"))
    noted = [(one.actor, one.code, one.after.get("type")) for one in entries(cast.office)]
    assert [line for line in noted if line[1].startswith("two_factor")] == [
        ("person", "two_factor.set_up", "totp"),
        ("person", "two_factor.set_up", "recovery_codes"),
        ("guest", "two_factor.failed", "totp"),
        ("person", "two_factor.removed", "totp"),
        ("person", "two_factor.removed", "recovery_codes"),
    ]
    assert secret not in str([one.after for one in entries()])


def test_password_changed_and_reset(cast: Cast, client: Client) -> None:
    sign_in(client, "gerda@devries.test")
    changed = {"oldpassword": PASSWORD, "password1": "Nieuw-paard-12", "password2": "Nieuw-paard-12"}
    client.post(reverse("account_change_password"), changed)
    assert [letter.to for letter in mail.outbox] == [["gerda@devries.test"]]
    client.post(reverse("account_logout"))
    client.post(reverse("account_reset_password"), {"email": "gerda@devries.test"})
    link = re.search(r"http://\S+?(/account/password/reset/key/\S+)", mail.outbox[-1].body)
    assert link
    address = client.get(link[1], follow=True).redirect_chain[-1][0]
    client.post(address, {"password1": "Ander-paard-12", "password2": "Ander-paard-12"})
    assert told(cast.office) == [
        ("Gerda Bakker", "password.changed", "Gerda Bakker"),
        ("Gerda Bakker", "password.reset", "Gerda Bakker"),
    ]


def test_change_of_a_password_and_its_line_are_one(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database that loses the line keeps the old password too."""
    browser = Client(raise_request_exception=False)
    sign_in(browser, "gerda@devries.test")
    monkeypatch.setattr(audit, "note", _fail)
    changed = {"oldpassword": PASSWORD, "password1": "Nieuw-paard-12", "password2": "Nieuw-paard-12"}
    assert browser.post(reverse("account_change_password"), changed).status_code == 500
    cast.gerda.refresh_from_db()
    assert cast.gerda.check_password(PASSWORD)
    assert mail.outbox == []


def _fail(*args: Any, **kwargs: Any) -> None:
    raise DatabaseError("no room")


def test_invitations_roles_and_removals(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    invite = {"email": "nieuw@devries.test", f"role_{cast.bakery.pk}": "user"}
    anna.post(reverse("environment-invite", args=[cast.office.pk]), invite)
    (invitation,) = services.open_invitations(cast.office)
    anna.post(reverse("environment-invitation-resend", args=[cast.office.pk, invitation.pk]))
    newcomer = person("nieuw@devries.test", "Nel Nieuw")
    services.accept_invitation(invitation=invitation, user=newcomer)
    where = [cast.office.pk, newcomer.pk]
    anna.post(reverse("environment-person", args=where), {f"role_{cast.bakery.pk}": "admin"})
    anna.post(reverse("environment-person-remove", args=where))
    anna.post(reverse("environment-invite", args=[cast.office.pk]), {**invite, "email": "later@devries.test"})
    (invitation,) = services.open_invitations(cast.office)
    anna.post(reverse("environment-invitation-withdraw", args=[cast.office.pk, invitation.pk]))
    assert told(cast.bakery) == [
        ("Anna Jansen", "invitation.made", "nieuw@devries.test"),
        ("Anna Jansen", "invitation.renewed", "nieuw@devries.test"),
        ("Nel Nieuw", "invitation.accepted", "nieuw@devries.test"),
        ("Anna Jansen", "role.changed", "Nel Nieuw"),
        ("Anna Jansen", "role.removed", "Nel Nieuw"),
        ("Anna Jansen", "invitation.made", "later@devries.test"),
        ("Anna Jansen", "invitation.withdrawn", "later@devries.test"),
    ]
    changed = next(one for one in entries(cast.bakery) if one.code == "role.changed")
    assert (changed.before, changed.after) == ({"role": "user"}, {"role": "admin"})


def test_administrations_made_and_changed(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    anna.post(
        reverse("environment-administration-new", args=[cast.office.pk]), {"name": "Garage Jansen", "plan": "basic"}
    )
    edit = reverse("environment-administration-edit", args=[cast.office.pk, cast.bakery.pk])
    anna.post(edit, {"name": "Bakkerij De Vries", "plan": "basic"})
    anna.post(edit, {"name": "Bakkerij De Vries", "plan": "basic"})  # nothing changes, nothing is said
    assert told(cast.office) == [
        ("Anna Jansen", "administration.made", "Garage Jansen"),
        ("Anna Jansen", "administration.changed", "Bakkerij De Vries"),
    ]
    assert entries(cast.bakery)[-1].before == {"plan": "premium"}


def test_commands_are_the_operators(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_ANNA", "Correct-paard-9")
    words = {"environment": "Kantoor", "plan": "premium", "admin": "anna@kantoor.test"}
    call_command("create_administration", name="Bakkerij", password_env="PASSWORD_OF_ANNA", **words)
    call_command("rotate_credential_keys")
    call_command("read_einvoices")
    assert [(one.actor, one.actor_name, one.code, one.thing_name) for one in entries()] == [
        ("operator", "create_administration", "environment.made", "Kantoor"),
        ("operator", "create_administration", "role.given", "anna@kantoor.test"),
        ("operator", "create_administration", "administration.made", "Bakkerij"),
        ("operator", "rotate_credential_keys", "operator.keys_rotated", ""),
        ("operator", "read_einvoices", "operator.einvoices_read", ""),
    ]


def test_doors_that_are_not_theirs_are_told_once(cast: Cast, signed_in: SignIn) -> None:
    """To whose door it is. Another office learns that somebody tried and from where, not who."""
    gerda, charlie = signed_in(cast.gerda), signed_in(cast.charlie)
    for _ in range(3):
        assert gerda.get(reverse("administration-people", args=[cast.bakery.pk])).status_code == 403
        assert charlie.get(reverse("documents", args=[cast.bakery.pk])).status_code == 404
        assert charlie.get(reverse("environment-people", args=[cast.office.pk])).status_code == 404
    assert told(cast.office) == [
        ("Gerda Bakker", "door.refused", "Bakkerij De Vries"),
        ("guest", "door.refused", "Bakkerij De Vries"),
        ("guest", "door.refused", "Kantoor Jansen"),
    ]
    assert "Charlie" not in str([(one.actor_name, one.after) for one in entries(cast.office)])


# --- What stands stays ------------------------------------------------------------------------------------


def test_line_goes_with_its_transaction(cast: Cast) -> None:
    with transaction.atomic():
        services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.ADMIN)
        assert told(cast.bakery) == [("system", "role.changed", "Gerda Bakker")]
        transaction.set_rollback(True)
    assert told() == []


@pytest.mark.parametrize("sql", ["UPDATE {} SET actor_name = 'X'", "DELETE FROM {}"])
def test_lines_are_neither_changed_nor_deleted(cast: Cast, sql: str) -> None:
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.ADMIN)
    refused = pytest.raises(DatabaseError, match="append-only")
    with every_administration(), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format(AuditEntry._meta.db_table))
    assert told(cast.bakery) == [("system", "role.changed", "Gerda Bakker")]


def test_wall_stands_again_after_erasing(cast: Cast) -> None:
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.ADMIN)
    with every_administration():
        with pytest.raises(ValueError, match="undo"), audit.opened_for_erasing():
            raise ValueError("undo")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditEntry.objects.all().delete()
        assert audit.erase(AuditEntry.objects.filter(administration_id=cast.bakery.pk)) == 1
        audit.note("administration.made", cast.bakery, cast.bakery)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditEntry.objects.all().delete()


def test_lines_end_after_their_term(cast: Cast, settings: Any) -> None:
    settings.AUDIT_KEPT_DAYS = 30
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.ADMIN)
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.USER)
    old, young = entries(cast.bakery)
    with every_administration():
        with audit.opened_for_erasing():
            AuditEntry.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=31))
        assert audit.prune() == 1
        assert audit.prune() == 0
    assert entries(cast.bakery) == [young]


def test_scope_shows_the_lines_of_one_administration(cast: Cast) -> None:
    for place in (cast.bakery, cast.foreign):
        services.set_role(administration=place, user=cast.gerda, role=Role.ADMIN)
    with administration_scope(cast.bakery.pk), connection.cursor() as cursor:
        assert [one.administration_id for one in AuditEntry.objects.all()] == [cast.bakery.pk]
        cursor.execute("SELECT count(*) FROM administrations_auditentry")
        assert cursor.fetchone() == ((1,) if connection.vendor == "postgresql" else (2,))


def test_every_code_has_a_sentence_and_a_kind() -> None:
    assert {code.partition(".")[0] for code in SENTENCES} == set(KINDS)


# --- The page ---------------------------------------------------------------------------------------------


def page(browser: Client, name: str, place: Any, **query: str) -> Any:
    return browser.get(reverse(name, args=[place.pk]), query)


def said(answer: Any) -> list[tuple[str, str]]:
    return [(line["who"], line["said"]) for line in answer.context["lines"]]


def test_page_shows_an_administration_its_own_and_the_office_everything(cast: Cast, signed_in: SignIn) -> None:
    for place in (cast.basic, cast.bakery, cast.foreign):
        services.set_role(administration=place, user=cast.gerda, role=Role.ADMIN)
    bert, anna = signed_in(cast.bert), signed_in(cast.anna)
    assert said(page(bert, "administration-activity", cast.bakery)) == [
        ("Het portaal zelf", "Rol van Gerda Bakker gewijzigd")
    ]
    assert said(page(anna, "environment-activity", cast.office)) == [
        ("Anna Jansen", "Aangemeld"),
        ("Bert de Vries", "Aangemeld"),
        ("Het portaal zelf", "Rol van Gerda Bakker gewijzigd"),
        ("Het portaal zelf", "Toegang gegeven aan Gerda Bakker"),
    ]
    changes = page(bert, "administration-activity", cast.bakery).context["lines"][0]["changes"]
    assert changes == ["Rol: Gebruiker → Beheerder"]


def test_filters_narrow_by_person_kind_and_date(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.ADMIN)
    activity = "environment-activity"
    today, tomorrow = timezone.localdate(), timezone.localdate() + timedelta(days=1)
    everything = [("Het portaal zelf", "Rol van Gerda Bakker gewijzigd"), ("Anna Jansen", "Aangemeld")]
    assert said(page(anna, activity, cast.office, since=f"{today}", until=f"{today}")) == everything
    assert said(page(anna, activity, cast.office, since=f"{tomorrow}")) == []
    assert said(page(anna, activity, cast.office, who="anna")) == everything[1:]
    assert said(page(anna, activity, cast.office, who="bakker")) == everything[:1]
    assert said(page(anna, activity, cast.office, kind="role")) == everything[:1]
    assert said(page(anna, activity, cast.office, kind="nonsense", since="x", before="x")) == everything


@pytest.mark.proof
def test_older_lines_follow_on_the_next_page(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    for number in range(1_200):
        role = Role.ADMIN if number % 2 else Role.SUBMITTER
        audit.note("role.changed", cast.bakery, cast.gerda, after={"role": str(role), "mails": number})
    first = page(anna, "administration-activity", cast.bakery)
    second = page(anna, "administration-activity", cast.bakery, before=first.context["more"])
    shown = [line["entry"].after["mails"] for answer in (first, second) for line in answer.context["lines"]]
    assert shown == list(range(1_199, 1_099, -1))
    assert f"before={first.context['more']}" in first.content.decode()
    rows = read_csv(page(anna, "administration-activity-csv", cast.bakery))
    assert len(rows) == 1 + 1_200 + 1  # the heading, and that it was downloaded


def read_csv(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def test_csv_says_what_the_page_says_and_runs_nothing(cast: Cast, signed_in: SignIn) -> None:
    User.objects.filter(pk=cast.bert.pk).update(name="=HYPERLINK(1)")
    bert = signed_in(User.objects.get(pk=cast.bert.pk))
    bert.post(reverse("administration-role", args=[cast.bakery.pk, cast.gerda.pk]), {"role": "admin"})
    exported, changed = read_csv(page(bert, "administration-activity-csv", cast.bakery))[1:]
    assert exported[1:] == ["'=HYPERLINK(1)", "127.0.0.1", "Deze activiteiten gedownload", "", "audit.exported"]
    assert changed[1:] == [
        "'=HYPERLINK(1)",
        "127.0.0.1",
        "Rol van Gerda Bakker gewijzigd",
        "Rol: Gebruiker → Beheerder",
        "role.changed",
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "＝1", "＋1", "－1", "＠1"])
def test_cell_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    call = f"{text}SUM(1)"
    assert safe_cell(f"Factuur;{call}") == f"Factuur;'{call}"  # where Excel takes another separator than we wrote
    assert safe_cell(f'Factuur,"{call}"') == f'Factuur,\'"{call}"'
    assert safe_cell("facturen@devries.test, € 12,- en; - 3") == "facturen@devries.test, € 12,- en; - 3"


@pytest.mark.parametrize(("language", "first"), [("nl", "Tijd;Wie;Adres;"), ("en", "Time,Who,Address,")])
def test_csv_opens_in_columns_where_its_language_is_spoken(
    cast: Cast, signed_in: SignIn, language: str, first: str
) -> None:
    """Where the comma is decimal, Excel takes a semicolon between two cells."""
    User.objects.filter(pk=cast.bert.pk).update(language=language)
    bert = signed_in(User.objects.get(pk=cast.bert.pk))
    text = b"".join(page(bert, "administration-activity-csv", cast.bakery).streaming_content).decode()
    assert text.startswith(f"\ufeff{first}")


def test_trail_without_a_line_says_why(cast: Cast, signed_in: SignIn) -> None:
    bert = signed_in(cast.bert)
    said = page(bert, "administration-activity", cast.bakery, who="niemand").content.decode()
    assert ("Geen activiteiten gevonden" in said, "Kies andere woorden" in said) == (True, True)
    assert "Nog geen activiteiten" in page(bert, "administration-activity", cast.bakery).content.decode()
