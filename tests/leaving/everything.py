"""An administration with a row in every table, a file of every kind, and a word of its own in each of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from administrations import audit, services
from administrations.models import Administration, Role, User
from channels import authorisation, checking
from channels.authorisation import Authoriser
from channels.checking import Purpose, Typed
from channels.links import tokens, vault
from channels.models import Channel, ChannelRule, FurtherFolder, PreviewedMail
from documents import preview, quota, storage
from documents.asking import questions
from documents.models import (
    Document,
    EInvoice,
    Finding,
    Forward,
    ForwardAddress,
    Move,
    Note,
    SavedFilter,
    Sender,
    SourceName,
    Supplier,
)  # fmt: skip
from documents.services import UPLOAD, add_document
from leaving import exports
from tests.channels.provider import TOKENS
from tests.channels.rows import make_channel, make_mail, make_part, make_run
from tests.notifications.rows import make_notification
from zenvoices.lib.scoping import administration_scope, every_administration


def furnish(administration: Administration, by: User, word: str) -> None:
    """With channels of each kind, a draft, a check, a consent link, an invitation and a made export."""
    password = make_channel(administration, name=f"imap {word}", password=f"geheim {word}")
    make_channel(administration, name=f"pop3 {word}", protocol="pop3")
    make_channel(administration, name=f"concept {word}", state="draft", next_fetch_at=None, left_since=timezone.now())
    linked = {"granted": "mail", "linked_at": timezone.now(), "client_id": "id", "password": ""}
    entra = {"auth": "entra", "host": "outlook.office365.com", "tenant_id": "devries.test"}
    for name, fields in (("google", {"auth": "google"}), ("entra", entra)):
        channel = make_channel(administration, name=f"{name} {word}", username=f"{word}@x.test", **linked, **fields)
        with administration_scope(administration.pk):
            tokens.store(channel, TOKENS)
            vault.store(channel, "client_secret", word)
            _ask_consent(channel, by)
    make_part(make_mail(make_run(password), f"Subject: {word}".encode(), subject=f"mail {word}"), filename=word)
    document = upload(administration, by, word)
    with administration_scope(administration.pk):
        ChannelRule.objects.create(administration=administration, channel=password, about="subject", value=word)
        EInvoice.objects.create(administration=administration, document=document, supplier=word)
        Finding.objects.create(administration=administration, document=document, kind="iban", facts={"iban": word})
        Supplier.objects.create(administration=administration, key=f"{word}.test")
        Sender.objects.create(administration=administration, key=f"{word}.test")
        SourceName.objects.create(administration=administration, source_id=uuid4(), name=word)
        Move.objects.create(administration=administration, document=document, lineage=uuid4(), subject=word)
        Note.objects.create(administration=administration, document=document, author=by, text=word)
        questions.ask(administration, f"vraag {word}", f"{word}@klant.test", by)
        to = ForwardAddress.objects.create(administration=administration, address=f"{word}@pakket.test", made_by=by,
                                           token_sha256=word, expires_at=timezone.now())  # fmt: skip
        Forward.objects.create(administration=administration, document=document, to=to, asked_by=by, page=uuid4())
        SavedFilter.objects.create(administration=administration, person=by, name=word, query=f"q={word}")
        typed = Typed({"name": word}, active=True, secrets={"password": word})
        asked = checking.ask(administration, Purpose.PREVIEW, typed=typed, person=by)
        FurtherFolder.objects.create(administration=administration, channel=password, folder=word)
        seen = {"place": 0, "state": PreviewedMail.State.WOULD_COME, "unread": True, "subject": word}
        PreviewedMail.objects.create(administration=administration, connection_check=asked, **seen)
        exports.make(exports.ask(administration, by).pk)
        folder = preview.folder_of(administration.pk, document.sha256)
    folder.mkdir(parents=True)
    (folder / "1-160.webp").write_bytes(word.encode())
    make_notification(administration, by, text_nl=word)
    roles = {administration.pk: Role.USER, **_beside(administration)}
    services.invite(environment=administration.environment, email="gast@nieuw.test", environment_admin=False,
                    roles=roles, by=administration.environment.admins.get().user)  # fmt: skip
    audit.note("administration.changed", administration, administration, by=by, before={"name": f"{word} vroeger"})


def _ask_consent(channel: Channel, by: User) -> None:
    link, _token = authorisation.invite(channel, by)
    authorisation.begin(channel, Authoriser("browser", by, link))


def _beside(administration: Administration) -> dict[UUID, Role]:
    others = administration.environment.administrations.exclude(pk=administration.pk)
    return {one.pk: Role.USER for one in others[:1]}


def upload(administration: Administration, by: User, word: str, **more: Any) -> Document:
    data = f"%PDF {word}".encode()
    with administration_scope(administration.pk):
        facts = {"kind": "upload", "content_type": "application/pdf", "received_at": timezone.now(), "email": None,
                 "origin": UPLOAD, "filename": f"{word}.pdf", "size": len(data), "uploaded_by": by}  # fmt: skip
        return add_document(administration.pk, sha256=storage.put_bytes(administration.pk, data), **facts | more)


def browse(person: User) -> Client:
    """Signed in, with a session that the list of sessions knows."""
    browser = Client()
    browser.force_login(person)
    assert browser.get("/settings").status_code == 200
    return browser


def rows_with(*needles: str) -> dict[str, list[str]]:
    """Of every table the rows in which one of these words stands, whatever the column: no table can be forgotten."""
    found: dict[str, list[str]] = {}
    with every_administration(), connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 (a name of the database)
            lines = sorted(str([str(value) for value in row]) for row in cursor.fetchall())
            if named := [line for line in lines if any(needle in line for needle in needles)]:
                found[table] = named
    return found


def files_with(*needles: str) -> dict[str, bytes]:
    """Of every file under DATA_DIR, empty folders too, those with one of these words in their path or bytes."""
    found = {}
    for place in sorted(Path(settings.DATA_DIR).rglob("*")):
        data = place.read_bytes() if place.is_file() else b""
        path = str(place.relative_to(settings.DATA_DIR))
        if any(needle in path or needle.encode() in data for needle in needles):
            found[path] = data
    return found


def ids(administration: Administration) -> tuple[str, str]:
    """As PostgreSQL and as SQLite write it."""
    return str(administration.pk), administration.pk.hex


def age(document: Document, years: int) -> None:
    with every_administration():
        moment = timezone.now() - timedelta(days=366 * years)
        Document.objects.filter(pk=document.pk).update(received_at=moment)


def used(administration: Administration) -> tuple[int, int]:
    """What the sum says, and what it should."""
    with administration_scope(administration.pk):
        return quota.used(administration.pk), quota.count_anew(administration.pk)
