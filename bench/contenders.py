"""The fetches that are compared, each in a process of its own: python -m bench.contenders NAME TASK

A contender gets ready, says so, waits for a line, works, and prints what it took as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

Task = dict[str, Any]
Work = Callable[[], dict[str, Any]]
ARCHIVE = b"Content-Type: application/zip\n\nPK\5\6" + bytes(18)


def _become_a_worker() -> None:
    """One that has served before: everything is loaded, the certificates too."""
    import django

    django.setup()
    from django.conf import settings

    from channels import tasks  # noqa: F401 -- a worker has its tasks loaded
    from zenvoices import celery
    from zenvoices.lib.net import tls_context

    celery.worker_starts()
    tls_context(settings.OUTBOUND_CA_FILE or None)
    celery.worker_is_loaded()


def ours(task: Task) -> Iterator[Any]:
    """A whole run as a worker does it: lease, download, parse, hash, fsync, commit, flag, logbook."""
    _become_a_worker()
    from django.conf import settings
    from django.db import connection

    from administrations.models import Administration, Environment
    from channels import services
    from channels.extract import extract
    from channels.fetching import runs
    from channels.fetching.budget import Budget
    from channels.models import Channel, FetchRun
    from documents.models import Document
    from zenvoices.lib.scoping import administration_scope

    extract(ARCHIVE)  # the process that opens archives is there
    environment = Environment.objects.create(name=f"Kantoor van {task['user']}")
    administration = Administration.objects.create(environment=environment, name="Bakkerij", plan="premium")
    with administration_scope(administration.pk):
        channel = services.create_channel(
            administration,
            password=task["password"],
            activate=True,
            by=None,
            name="E-mail",
            protocol=task["protocol"],
            auth=Channel.Auth.PASSWORD,
            host="127.0.0.1",
            port=task["port"],
            security="tls",
            username=task["user"],
            folder="INBOX",
        )
        run = FetchRun.objects.create(administration=administration, channel=channel, trigger=FetchRun.Trigger.MANUAL)
        yield
        done = runs.perform(run.pk, Budget.until_empty())
        yield
        assert done is not None
        rows = Document.objects.filter(kind="attachment").values_list("sha256", flat=True)
        folder = Path(settings.DATA_DIR) / "documents" / str(administration.pk)
        yield {
            "database": connection.vendor,
            "outcome": done.outcome,
            "error": done.error_code,
            "delivered": done.delivered,
            "attachments": sorted(rows),
            "folder": str(folder),
        }


def imap_tools(task: Task) -> Iterator[Any]:
    """The loop of its README: every unread mail, each attachment to a file, marked as read by the fetch."""
    import ssl

    from imap_tools import AND, MailBox

    context = ssl.create_default_context(cafile=task["ca_file"])
    folder = Path(task["folder"])
    options = {"bulk": task["bulk"]} if task.get("bulk") else {}
    yield
    number = mails = 0
    with MailBox("127.0.0.1", task["port"], ssl_context=context).login(task["user"], task["password"]) as mailbox:
        for message in mailbox.fetch(AND(seen=False), **options):
            mails += 1
            for attachment in message.attachments:
                number += 1
                (folder / str(number)).write_bytes(attachment.payload)
    yield
    yield {"delivered": mails, "folder": str(folder)}


def django_mailbox(task: Task) -> Iterator[Any]:
    """Its own get_new_mail() on SQLite, attachments to files; originals are not kept."""
    import django
    from django.conf import settings

    folder = Path(task["folder"])
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django_mailbox"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "mailbox.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        MEDIA_ROOT=folder / "media",
        USE_TZ=True,
    )
    django.setup()
    from urllib.parse import quote

    from django.core.management import call_command
    from django_mailbox.models import Mailbox

    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
    where = f"imap+ssl://{quote(task['user'], safe='')}:{task['password']}@127.0.0.1:{task['port']}"
    mailbox = Mailbox.objects.create(name="bench", uri=where)
    yield
    mails = sum(1 for _ in mailbox.get_new_mail())
    yield
    yield {"delivered": mails, "folder": str(folder / "media")}


def polls(task: Task) -> Iterator[Any]:
    """Looks into empty mailboxes, from many threads: sessions alone, or whole runs as the worker does them."""
    from concurrent.futures import Future, ThreadPoolExecutor, wait
    from types import SimpleNamespace
    from unittest import mock
    from uuid import UUID

    _become_a_worker()
    from django.db import connection
    from django.utils import timezone

    from administrations.models import Administration, Environment
    from channels import connect, services, tasks
    from channels.credentials import Password
    from channels.mailboxes import mailbox_for
    from channels.mailboxes.base import Watch, open_session
    from channels.models import Channel, FetchRun
    from zenvoices.lib.scoping import administration_scope

    environment = Environment.objects.create(name=f"Kantoor van {task['users'][0]}")
    administration = Administration.objects.create(environment=environment, name="Bakkerij", plan="premium")
    fields = {"protocol": "imap", "auth": "password", "host": "127.0.0.1", "security": "tls", "folder": "INBOX"}
    with administration_scope(administration.pk):
        channels = [
            services.create_channel(
                administration, password=task["password"], activate=True, by=None,
                name=user, username=user, port=task["port"], **fields,
            )
            for user in task["users"]
        ]  # fmt: skip

    with administration_scope(administration.pk):  # none is due by itself meanwhile
        Channel.objects.update(next_fetch_at=timezone.now() + timedelta(days=1), reconciled_at=timezone.now())

    def queued(polls: int) -> Iterator[list[list[tuple[str, str]]]]:
        """The bundles of the next round: of each channel a run, made together as a tick does."""
        for first in range(0, polls, len(channels)):
            known = {"administration": administration, "trigger": "schedule"}
            runs = [FetchRun(channel=channel, **known) for channel in channels[: polls - first]]
            with administration_scope(administration.pk):
                FetchRun.objects.bulk_create(runs)
            ids = [(str(administration.pk), str(run.pk)) for run in runs]
            yield [ids[begin : begin + tasks.BUNDLE] for begin in range(0, len(ids), tasks.BUNDLE)]

    def session(number: int) -> None:
        user = task["users"][number % len(task["users"])]
        server = connect.server_at("127.0.0.1", task["port"], "tls", "INBOX")
        with mailbox_for("imap", server, Watch()) as mailbox:
            open_session(mailbox, Password(user, task["password"]))
            mailbox.candidates()
            mailbox.finish()

    def rounds(polls: int) -> Iterator[Iterator[Future[None]]]:
        if task["whole"]:
            for bundles in queued(polls):
                yield (pool.submit(tasks.fetch_bundle, bundle) for bundle in bundles)
                while again:
                    yield iter([again.pop()])
        else:
            yield (pool.submit(session, number) for number in range(polls))

    def once_more(asked: Sequence[tuple[UUID, UUID]]) -> None:
        """What found no free thread, which the broker would give to any worker."""
        again.append(pool.submit(tasks.fetch_bundle, [(str(one), str(run)) for one, run in asked]))

    again: list[Future[None]] = []
    tasks.worker_has_threads(SimpleNamespace(concurrency=task["threads"]))
    with ThreadPoolExecutor(task["threads"]) as pool, mock.patch.object(tasks, "queue_bundle", once_more):
        for futures in rounds(max(task["threads"], 2 * len(channels))):  # all are loaded, and no first look is counted
            wait(list(futures))
        yield
        failed = [
            repr(one.exception()) for futures in rounds(task["polls"]) for one in list(futures) if one.exception()
        ]
        yield
        with administration_scope(administration.pk):
            bad = FetchRun.objects.exclude(outcome__in=("succeeded", "busy")).values_list("error_code", flat=True)
            failed += list(bad)
        yield {"failed": len(failed), "first": failed[:1], "database": connection.vendor}


CONTENDERS = {"ours": ours, "polls": polls, "imap_tools": imap_tools, "django_mailbox": django_mailbox}


def _cpu() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def main() -> None:
    name, task = sys.argv[1], json.loads(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a contender prints is no answer
    steps = CONTENDERS[name](task)
    next(steps)
    print("ready", file=answers, flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), _cpu()
    next(steps)
    seconds, cpu = time.perf_counter() - began, _cpu() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "result": next(steps)}), file=answers, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
