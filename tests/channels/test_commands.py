"""The operator commands, as a script meets them: JSON on stdout, the log on stderr, exit codes 0, 1 and 2."""

from __future__ import annotations

import base64
import socket
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.channels.linked import invoice
from tests.migrated import migrate
from tests.portal import Answer, Portal
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.dovecot, pytest.mark.slow]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, portal_database: str) -> Portal:
    portal = Portal(tmp_path_factory.mktemp("portal"), str(certificates.ca_file), portal_database)
    migrate(portal)
    return portal


@pytest.fixture(scope="module")
def administration(portal: Portal) -> str:
    return portal.administration("Opdrachten")


def linked(portal: Portal, administration: str, box: MailboxUser, *more: str, password: str | None = None) -> Answer:
    return portal.channel(administration, box.server("imap"), "imap", box.name, password or box.password, *more)


def test_create_administration_reuses_environment_and_user(portal: Portal, administration: str) -> None:
    arguments = ("--environment", "Kantoor", "--name", "Tweede", "--plan", "basic", "--admin", "anna@kantoor.test")
    answer = portal.run("create_administration", *arguments, "--password-env", "P", P="Correct-paard-9")
    assert (answer.code, sorted(answer.line), answer.line["user"]) == (
        0, ["administration", "environment", "user"], "anna@kantoor.test",
    )  # fmt: skip
    assert UUID(answer.line["administration"]) != UUID(administration)


def test_create_channel_checks_first_and_is_active_at_once(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    answer = linked(portal, administration, mailbox_user)
    status = portal.run("channel_status", answer.line["channel"]).line
    assert sorted(status) == [
        "channel", "error", "failures", "last_success_at", "next_fetch_at", "not_taken_in", "state",
    ]  # fmt: skip
    assert (status["state"], status["failures"], status["error"], status["last_success_at"]) == (
        "active", 0, None, None,
    )  # fmt: skip
    assert datetime.fromisoformat(status["next_fetch_at"]).isoformat() == status["next_fetch_at"]


def test_command_loads_no_page_and_no_library_of_a_provider(portal: Portal) -> None:
    portal.python(
        f"""import sys
from django.core.management import execute_from_command_line
try:
    execute_from_command_line(["manage.py", "channel_status", "{uuid4()}"])
except SystemExit:
    pass
loaded = {{"channels.pages", "google_auth_oauthlib", "msal", "requests", "zenvoices.urls"}} & set(sys.modules)
assert not loaded, loaded"""
    )


def test_database_that_does_not_answer_is_said_as_every_failure_is(portal: Portal) -> None:
    answer = portal.run("channel_status", str(uuid4()), DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")
    assert (answer.code, answer.line["error"]["code"]) == (1, "database_failed")


def test_create_channel_with_a_wrong_password_says_so_and_makes_nothing(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    answer = linked(portal, administration, mailbox_user, password="niet goed")
    assert (answer.code, answer.line["error"]["code"]) == (1, "password_refused")
    assert "niet goed" not in str(answer)


def test_create_channel_without_check_takes_a_wrong_password(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    channel = linked(portal, administration, mailbox_user, "--no-check", password="niet goed").line["channel"]
    fetched = portal.run("fetch_channel", channel)
    assert (fetched.code, fetched.line["outcome"], fetched.line["error"]["code"]) == (1, "failed", "password_refused")
    assert portal.run("channel_status", channel).line["failures"] == 0


def typed(portal: Portal, administration: str, *more: str, **changes: str) -> Answer:
    fields = {
        "administration": administration, "name": "x", "protocol": "imap", "host": "127.0.0.1", "port": "993",
        "security": "tls", "username": "jan@acme.test", **changes,
    }  # fmt: skip
    arguments = [part for name, value in fields.items() for part in (f"--{name}", value)]
    return portal.run("create_channel", *arguments, "--password-env", "P", *more, P="geheim")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "jan\r\nA1 LOGOUT"}, "username"),
        ({"host": "outlook.office365.com"}, "host"),
        ({"host": "https://imap.acme.test"}, "host"),
        ({"host": "imap.acme.test:993"}, "host"),
        ({"host": "jan@acme.test"}, "host"),
        ({"host": "imap..acme.test"}, "host"),
        ({"host": ""}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "70000"}, "port"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_create_channel_checks_its_fields_as_the_form_does(
    portal: Portal, administration: str, changes: dict[str, str], field: str
) -> None:
    answer = typed(portal, administration, "--no-check", **changes)
    assert (answer.code, answer.line["error"]["code"]) == (1, "invalid")
    assert answer.line["error"]["text"].startswith(f"{field}: ")
    assert "Traceback" not in answer.log


@pytest.mark.parametrize("changes", [{"port": "imaps"}, {"protocol": "smtp"}, {"security": "none"}])
def test_create_channel_with_what_no_field_takes_is_wrong_use(
    portal: Portal, administration: str, changes: dict[str, str]
) -> None:
    answer = typed(portal, administration, **changes)
    assert (answer.code, answer.lines, "Traceback" in answer.log) == (2, [], False)


def test_sentences_of_commands_name_the_channels_own_server(portal: Portal, administration: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = str(closed.getsockname()[1])
        checked = typed(portal, administration, port=port)
        channel = typed(portal, administration, "--no-check", port=port).line["channel"]
        fetched = portal.run("fetch_channel", channel)
        compared = portal.run("reconcile_channel", channel)
    logged = portal.run("channel_log", channel).line
    said = f"127.0.0.1 refuses connections on port {port}."
    for answer in (checked.line, fetched.line, compared.line, logged):
        assert answer["error"]["text"].startswith(said)


def test_basic_administration_gets_no_channel(portal: Portal, mailbox_user: MailboxUser) -> None:
    answer = linked(portal, portal.administration("Basis", plan="basic"), mailbox_user)
    assert (answer.code, answer.line["error"]["code"]) == (1, "not_premium")


def test_fetch_list_and_log_tell_the_same_story(portal: Portal, administration: str, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    channel = linked(portal, administration, mailbox_user).line["channel"]
    fetched = portal.run("fetch_channel", channel)
    assert fetched.line == {
        "run": fetched.line["run"], "outcome": "succeeded", "seen": 1, "delivered": 1, "ignored": 0, "failed": 0,
        "already": 0, "documents": 1, "error": None,
    }  # fmt: skip
    documents = portal.run("list_documents", "--administration", administration).lines
    (document,) = [document for document in documents if document["channel"] == channel]
    assert (document["filename"], document["kind"], document["email"]["subject"], document["email"]["sender"]) == (
        "factuur-1.pdf", "attachment", "Factuur 1", "facturen@leverancier.test",
    )  # fmt: skip
    (line,) = portal.run("channel_log", channel).lines
    assert (line["run"], line["trigger"], line["repeats"], line["documents"]) == (fetched.line["run"], "manual", 0, 1)


def test_fetch_by_hand_tries_what_was_not_taken_in_and_status_counts_it(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    channel = linked(portal, administration, mailbox_user).line["channel"]
    mailbox_user.deliver(invoice(1))

    def told() -> tuple[int, list[bool]]:
        notices = portal.run("list_notifications", "--user", "anna@kantoor.test").lines
        mine = [one["read_at"] is None for one in notices if one["kind"] == "mails_not_taken_in"]
        return portal.run("channel_status", channel).line["not_taken_in"], mine

    fetched = [portal.run("fetch_channel", channel, MAIL_MAX_BYTES="100").line for _time in range(2)]
    counts = [(one["outcome"], one["seen"], one["failed"], one["already"]) for one in fetched]
    assert (counts, told()) == ([("warning", 1, 1, 0)] * 2, (1, [True]))
    taken = portal.run("fetch_channel", channel).line
    assert (taken["outcome"], taken["delivered"], told()[0]) == ("succeeded", 1, 0)


def test_reconcile_says_what_differs_and_takes_nothing(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    channel = linked(portal, administration, mailbox_user).line["channel"]
    answer = portal.run("reconcile_channel", channel)
    assert (answer.code, answer.line) == (0, {
        "channel": channel, "outcome": "succeeded", "on_server": 1, "in_ledger": 0, "known": 0, "missing": 0,
        "waiting": 1, "gone": 0, "repaired": 0, "renumbered": False, "partial": False, "error": None,
    })  # fmt: skip
    other = linked(portal, administration, mailbox_user, "--no-check", password="niet goed").line["channel"]
    refused = portal.run("reconcile_channel", other)
    assert (refused.code, refused.line["outcome"], refused.line["error"]["code"]) == (1, "failed", "password_refused")
    assert mailbox_user.unread() == 1


def test_poll_fetches_what_is_due_and_nothing_else(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    channel = linked(portal, administration, mailbox_user).line["channel"]
    portal.python(  # each is due at a second of its own, which may be now
        "from channels.models import Channel; from django.utils import timezone; from datetime import timedelta\n"
        "Channel.objects.update(next_fetch_at=timezone.now() + timedelta(minutes=20))"
    )
    assert portal.run("poll_due_channels", "--inline").lines == [{"due": 0, "queued": 0}]
    portal.python(
        "from channels.models import Channel; from django.utils import timezone\n"
        f"Channel.objects.filter(pk='{channel}').update(next_fetch_at=timezone.now())"
    )
    summary, fetched = portal.run("poll_due_channels", "--inline").lines
    assert (summary, fetched["channel"], fetched["delivered"]) == ({"due": 1, "queued": 0}, channel, 1)


def test_rotation_re_encrypts_every_secret_once(portal: Portal, administration: str, mailbox_user: MailboxUser) -> None:
    channel = linked(portal, administration, mailbox_user).line["channel"]
    old = portal.environment()["CREDENTIAL_KEYS"]
    new = base64.urlsafe_b64encode(b"n" * 32).decode()
    first = portal.run("rotate_credential_keys", CREDENTIAL_KEYS=f"{new},{old}").line["rotated"]
    second = portal.run("rotate_credential_keys", CREDENTIAL_KEYS=f"{new},{old}").line["rotated"]
    assert (first > 0, second) == (True, 0)
    portal.extra["CREDENTIAL_KEYS"] = f"{new},{old}"
    assert portal.run("fetch_channel", channel, CREDENTIAL_KEYS=new).code == 0


def test_fetch_without_the_key_is_our_fault_and_no_strike(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    channel = linked(portal, administration, mailbox_user).line["channel"]
    lost = base64.urlsafe_b64encode(b"x" * 32).decode()
    fetched = portal.run("fetch_channel", channel, CREDENTIAL_KEYS=lost)
    assert (fetched.code, fetched.line["error"]["code"]) == (1, "key_missing")


@pytest.mark.parametrize("command", ["channel_status", "fetch_channel", "channel_log"])
def test_unknown_channel_fails_and_no_uuid_is_wrong_use(portal: Portal, command: str) -> None:
    unknown, nonsense, nothing = portal.run(command, uuid4()), portal.run(command, "x"), portal.run(command)
    assert (unknown.code, unknown.line["error"]["code"]) == (1, "not_found")
    assert [(answer.code, answer.lines) for answer in (nonsense, nothing)] == [(2, []), (2, [])]


def test_no_secret_stands_in_the_database_or_the_log(
    portal: Portal, administration: str, mailbox_user: MailboxUser
) -> None:
    answer = linked(portal, administration, mailbox_user)
    fetched = portal.run("fetch_channel", answer.line["channel"])
    assert mailbox_user.password not in answer.log + fetched.log
    kept = [path for path in Path(portal.folder).rglob("*") if path.is_file()]
    assert [path for path in kept if mailbox_user.password.encode() in path.read_bytes()] == []
