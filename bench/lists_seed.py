"""A big office, by SQL: 300,000 documents and 10,000 channels in one of its 2,000 administrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection, models

from administrations import audit
from administrations.models import (
    Administration,
    AdministrationAccess,
    Environment,
    EnvironmentAdmin,
    Invitation,
    Role,
    User,
)
from channels.models import Channel
from documents.models import Document, EInvoice, Email, SourceName
from tests.channels.rows import make_channel, make_run
from tests.notifications.rows import make_notification
from zenvoices.lib.scoping import administration_scope, every_administration

#: of each mail; a word of the other half, one in a thousand and one in three hundred thousand stand besides
_TEXT: Final = (
    "Geachte heer/mevrouw, hierbij ontvangt u onze documenten van deze maand voor uw administratie. Wij verzoeken u "
    "het bedrag binnen dertig dagen over te maken onder vermelding van het kenmerk. Heeft u vragen over deze zending "
    "of over de levering, dan kunt u op werkdagen contact opnemen met onze afdeling via telefoon of e-mail. Met "
    "vriendelijke groet, namens alle collega's van de afdeling verkoop en de binnendienst. Dit bericht is uitsluitend "
    "bestemd voor de geadresseerde. Bent u dat niet, dan verzoeken wij u het te vernietigen en de afzender te melden. "
)
#: as documents.search_text writes them
_SEARCH_TEXTS: Final = r"""
INSERT INTO documents_searchtext (id, administration_id, document_id, written_at, text)
SELECT gen_random_uuid(), one.administration_id, one.id, now(), lower(
    concat_ws(E'\n', one.filename, read.number, read.supplier, mail.subject, mail.text)
    || E'\x01' || coalesce(mail.sender_name || E'\n' || mail.sender_address, '')
)
FROM documents_document AS one
LEFT JOIN documents_email AS mail ON mail.id = one.email_id
LEFT JOIN documents_einvoice AS read ON read.document_id = one.id
"""
HALF, THOUSANDTH, ONCE, LONG_AGO = "zending-b", "deegroller", "kruiwagenwiel", "stroopwafel"


@dataclass(frozen=True)
class Sizes:
    documents: int = 300_000
    administrations: int = 2_000
    channels: int = 10_000
    runs: int = 20_000
    people: int = 2_000


@dataclass(frozen=True)
class Office:
    """`anna` is its Beheerder, `bert` that of the administration, `arie` an Aanleveraar there."""

    environment: Environment
    big: Administration
    channel: Channel
    anna: User
    bert: User
    arie: User


def seed(sizes: Sizes) -> Office:
    environment = Environment.objects.create(name="Kantoor Groot")
    big = Administration.objects.create(environment=environment, name="Groothandel", plan="premium")
    beside = Administration.objects.create(environment=environment, name="Buurman", plan="premium")
    people = [User.objects.create_user(f"{name}@groot.test", "x", name=name) for name in ("anna", "bert", "arie")]
    anna, bert, arie = people
    EnvironmentAdmin.objects.create(environment=environment, user=anna)
    AdministrationAccess.objects.create(administration=big, user=bert, role=Role.ADMIN)
    AdministrationAccess.objects.create(administration=big, user=arie, role=Role.SUBMITTER)
    channel = _channels(big, sizes)
    office = Office(environment, big, channel, anna, bert, arie)
    _documents(big, channel, arie, sizes.documents)
    _documents(beside, channel, arie, sizes.documents // 3)
    with every_administration(), connection.cursor() as cursor:
        cursor.execute(_SEARCH_TEXTS)
    _places(office, sizes)
    return office


def _channels(big: Administration, sizes: Sizes) -> Channel:
    channel = make_channel(big, name="facturen", host="mail.groot.test")
    copies(channel, sizes.channels, id="md5('channel' || nth)::uuid", name="'kanaal ' || nth",
           username="'k' || nth || '@groot.test'",
           error_code="CASE WHEN nth % 50 = 0 THEN 'connect_timeout' ELSE '' END")  # fmt: skip
    at = "now() - nth * interval '30 minutes'"
    run = make_run(channel, delivered=1, seen=1, documents=1)
    copies(run, sizes.runs, queued_at=at, started_at=at, finished_at=at)
    copies(run, sizes.channels, channel_id="md5('channel' || nth)::uuid", queued_at=at, started_at=at, finished_at=at)
    return channel


def _documents(place: Administration, channel: Channel, by: User, count: int) -> None:
    """Of seven in ten the mail has words of its own, one in five is an e-invoice, one in twenty an upload."""
    facts = {"source_id": channel.pk, "source_name": channel.name}
    with administration_scope(place.pk):
        email = Email.objects.create(administration=place, text=_TEXT, raw_sha256="0" * 64, raw_size=1, **facts)
        document = Document.objects.create(
            administration=place, email=email, kind="attachment", size=1, content_type="application/pdf", **facts
        )
        invoice = EInvoice.objects.create(administration=place, document=document, syntax="ubl", currency="EUR")
        SourceName.objects.create(administration=place, source_id=channel.pk, name=channel.name)
    at = "now() - nth * interval '2 minutes'"
    mail = f"md5('{place.pk}mail' || nth)::uuid"
    key = f"md5('{place.pk}document' || nth)::uuid"
    upload = "nth % 20 = 0"
    old = count * 2 // 3
    copies(email, count, id=mail, received_at=at, subject="'Factuur ' || (2000000 + nth)",
           sender_name="'Leverancier ' || (nth % 2500)", sender_address="'f@lev' || (nth % 2500) || '.test'",
           message_id="nth || '@groot.test'",
           text=f"text || ' ' || md5(nth::text) || CASE WHEN nth % 2 = 0 THEN ' {HALF}' ELSE '' END"
                f" || CASE WHEN nth % 1000 = 7 THEN ' {THOUSANDTH}' ELSE '' END"
                f" || CASE WHEN nth > {old} AND nth % 4 = 0 THEN ' {LONG_AGO}' ELSE '' END"
                f" || CASE WHEN nth = {count // 2 + 1} THEN ' {ONCE}' ELSE '' END")  # fmt: skip
    copies(document, count, id=key, received_at=at, email_id=f"CASE WHEN {upload} THEN NULL ELSE {mail} END",
           kind=f"CASE WHEN {upload} THEN 'upload' ELSE 'attachment' END",
           uploaded_by_id=f"CASE WHEN {upload} THEN '{by.pk}'::uuid END",
           source_id=f"CASE WHEN {upload} THEN NULL ELSE source_id END", part_path="nth::text",
           filename="'factuur-' || nth || '.pdf'", sha256="md5(nth::text) || md5(nth::text)",
           done_at=f"CASE WHEN nth > {count // 300} THEN {at} END", seen_at=f"CASE WHEN nth % 3 = 0 THEN {at} END",
           einvoice_read_at=at, sort_date=f"({at})::date - nth % 30",
           sort_name="'0 leverancier ' || (nth % 2500)",
           sort_amount="CASE WHEN nth % 5 = 0 THEN (nth * 7919::bigint) % 90000000 ELSE -1000000000000000000 END",
           duplicate_of_id=f"CASE WHEN nth % 500 = 0 THEN md5('{place.pk}document' || (nth - 1))::uuid END",
           )  # fmt: skip
    copies(invoice, count // 5, document_id=f"md5('{place.pk}document' || (5 * nth))::uuid",
           number="'RE-2026/' || nth", supplier="'Leverancier ' || (nth % 2500)", total="nth % 9000")  # fmt: skip


def _places(office: Office, sizes: Sizes) -> None:
    """Administrations, people, invitations, notices and lines of the audit trail, in the numbers of a big office."""
    client = "md5('client' || nth)::uuid"
    copies(office.big, sizes.administrations, id=client, name="'Klant ' || nth")
    small = make_channel(office.big, name="post", host="mail.klein.test")
    copies(small, sizes.administrations, administration_id=client)
    copies(office.bert, sizes.people, email="'p' || nth || '@groot.test'", name="'Persoon ' || nth")
    access = AdministrationAccess.objects.get(user=office.bert)
    person = "(SELECT id FROM administrations_user WHERE email = 'p' || nth || '@groot.test')"
    copies(access, sizes.people, user_id=person)
    invited = Invitation.objects.create(
        environment=office.environment, email="x@groot.test", roles={str(office.big.pk): "user"},
        token_hash="x", invited_by=office.bert,  # noqa: S106 -- of nobody
    )  # fmt: skip
    copies(invited, sizes.people, email="'i' || nth || '@groot.test'", token_hash="nth::text")  # noqa: S106 -- of nobody
    notice = make_notification(office.big, office.anna)
    copies(notice, sizes.runs, event="nth::text")
    audit.note("administration.changed", office.big, office.big, by=office.anna, before={"name": "Handel"})


def copies(row: models.Model, times: int, **changed: str) -> None:
    """So many, but for what is changed: SQL of `nth`, 1 and up. A key that is not given is new."""
    fields = row._meta.concrete_fields
    key = row._meta.pk
    assert key is not None
    if isinstance(key, models.UUIDField):
        changed = {key.column: "gen_random_uuid()"} | changed
    columns = [each.column for each in fields if each is not key or key.column in changed]
    values = ", ".join(changed.get(column, f'"{column}"') for column in columns).replace("%", "%%")
    names = ", ".join(f'"{column}"' for column in columns)
    table = row._meta.db_table
    with every_administration(), connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({names}) SELECT {values} '  # noqa: S608 -- our own names
            f'FROM "{table}" AS one, generate_series(1, {times}) AS nth WHERE one."{key.column}" = %s',
            [row.pk],
        )
