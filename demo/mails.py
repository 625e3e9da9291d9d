"""A dozen mails as they lie in a bakery's invoice mailbox, unread."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from demo.drawing import invoice_pdf, receipt_jpg
from demo.invoices import MAILBOX, Invoice, Party, euro, invoices
from demo.ubl import invoice_xml

Write = Callable[[EmailMessage, dict[str, Invoice], datetime], None]


def mails(now: datetime) -> list[tuple[datetime, bytes]]:
    """(received, raw mail), oldest first. The same for the same moment."""
    bills = invoices(now.date())
    writers: list[Write] = [
        _energy, _telecom, _wholesale, _office, _accountant, _order, _insurer,
        _cleaning, _dairy, _waste, _receipt, _forwarded, _printer,
    ]  # fmt: skip
    result = []
    for number, write in enumerate(writers):
        when = (now - timedelta(hours=11 * (len(writers) - number))).replace(microsecond=0)
        mail = EmailMessage()
        mail["To"] = MAILBOX
        mail["Date"] = format_datetime(when)
        mail["Message-ID"] = f"<demo-{number + 1:02}.{when:%Y%m%d}@zenvoices.example>"
        write(mail, bills, when)
        for depth, part in enumerate(part for part in mail.walk() if part.is_multipart()):
            if part.get_content_maintype() == "multipart":
                part.set_boundary(f"=_demo_{number + 1:02}_{depth}")  # else it would be random
        result.append((when, mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))))
    return result


def _from(mail: EmailMessage, supplier: Party, mailbox: str = "facturen") -> None:
    mail["From"] = f'"{supplier.name}" <{mailbox}@{supplier.domain}>'


def _letter(mail: EmailMessage, bill: Invoice, extra: str = "") -> None:
    mail.set_content(
        f"Beste klant,\n\nIn de bijlage vindt u factuur {bill.number} van {bill.issued:%d-%m-%Y}.\n"
        f"Het bedrag is € {euro(bill.total)}, te betalen voor {bill.due:%d-%m-%Y}.\n{extra}\n"
        f"Met vriendelijke groet,\n{bill.supplier.name}\n{bill.supplier.street}, {bill.supplier.city}\n"
    )


def _pdf(mail: EmailMessage, bill: Invoice, filename: str, disposition: str = "attachment") -> None:
    mail.add_attachment(
        invoice_pdf(bill), maintype="application", subtype="pdf", filename=filename, disposition=disposition
    )


def _energy(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["energy"]
    _from(mail, bill.supplier)
    mail["Subject"] = f"Uw energiefactuur {bill.number} staat klaar"
    _letter(mail, bill)
    _pdf(mail, bill, f"Factuur-{bill.number}.pdf")


def _telecom(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["telecom"]
    _from(mail, bill.supplier, "noreply")
    mail["Subject"] = f"Factuur internet en telefonie {bill.number}"
    _letter(mail, bill)
    mail.add_alternative(
        f"<p>Beste klant,</p><p>In de bijlage vindt u factuur <b>{bill.number}</b>: "
        f"<b>€ {euro(bill.total)}</b>, wordt afgeschreven rond {bill.due:%d-%m-%Y}.</p>"
        f"<p>{bill.supplier.name}</p>",
        subtype="html",
    )
    _pdf(mail, bill, f"{bill.number}.pdf")


def _wholesale(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["wholesale"]
    _from(mail, bill.supplier, "debiteuren")
    mail["Subject"] = f"Factuur {bill.number}: grondstoffen week {bill.issued.isocalendar().week}"
    _letter(mail, bill)
    _pdf(mail, bill, f"factuur {bill.number}.pdf")


def _office(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["office"]
    _from(mail, bill.supplier, "bestellingen")
    mail["Subject"] = "Je bestelling én de factuur van Paperclip"
    _letter(mail, bill)
    _pdf(mail, bill, "Factuur ingrediënten-etiketten.pdf")


def _accountant(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["accountant"]
    _from(mail, bill.supplier, "administratie")
    mail["Subject"] = f"Declaratie {bill.number} (PDF en UBL)"
    _letter(mail, bill, "De UBL is bedoeld voor uw boekhoudpakket.\n")
    _pdf(mail, bill, f"Declaratie_{bill.number}.pdf")
    xml = invoice_xml(bill)
    mail.add_attachment(xml, maintype="application", subtype="xml", filename=f"Declaratie_{bill.number}.xml")


def _order(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    supplier = bills["office"].supplier
    _from(mail, supplier, "bestellingen")
    mail["Subject"] = "Bevestiging van je bestelling 558377"
    text = "Bedankt voor je bestelling 558377!\n\n4 x Pennen blauw, doos 50   € 15,80\nVerzending   € 0,00\n"
    mail.set_content(text + "Totaal inclusief 21% btw   € 15,80\n\nBetaald met iDEAL. Dit is ook je factuur.\n")
    mail.add_alternative(
        "<h2>Bedankt voor je bestelling 558377!</h2><table>"
        "<tr><td>4 x Pennen blauw, doos 50</td><td>€ 15,80</td></tr>"
        "<tr><td>Verzending</td><td>€ 0,00</td></tr>"
        "<tr><td><b>Totaal inclusief 21% btw</b></td><td><b>€ 15,80</b></td></tr></table>"
        "<p>Betaald met iDEAL. Dit is ook je factuur.</p>",
        subtype="html",
    )


def _insurer(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["insurer"]
    _from(mail, bill.supplier, "premie")
    mail["Subject"] = "Premienota kwartaal"
    _letter(mail, bill)
    _pdf(mail, bill, "PREMIENOTA.PDF")


def _cleaning(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["cleaning"]
    _from(mail, bill.supplier, "info")
    mail["Subject"] = f"Factuur schoonmaak {bill.number}"
    _letter(mail, bill)
    _pdf(mail, bill, f"{bill.number}.pdf", disposition="inline")  # as Apple Mail sends them


def _dairy(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    pair = [bills["dairy-1"], bills["dairy-2"]]
    _from(mail, pair[0].supplier, "boekhouding")
    mail["Subject"] = "Weekfacturen zuivel en eieren (ZIP)"
    mail.set_content(
        "Goedemorgen,\n\nHierbij de twee weekfacturen in één bestand.\n\nGroet, Zuivelhoeve De Boterbloem\n"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for bill in pair:
            entry = zipfile.ZipInfo(f"Factuur {bill.number}.pdf", when.timetuple()[:6])
            archive.writestr(entry, invoice_pdf(bill))
    mail.add_attachment(file.getvalue(), maintype="application", subtype="zip", filename="weekfacturen.zip")


def _waste(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["waste"]
    _from(mail, bill.supplier)
    mail["Subject"] = f"Rondom Containers: factuur {bill.number}"
    _letter(mail, bill)
    # Some billing programs call every file this.
    mail.add_attachment(
        invoice_pdf(bill), maintype="application", subtype="octet-stream", filename=f"{bill.number}.pdf"
    )


def _receipt(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    mail["From"] = '"Joost de Vries" <joost@bakkerijdevries.example>'
    mail["Subject"] = "bonnetje diesel bus"
    mail.set_content("Bon van vanmorgen. Verstuurd vanaf mijn telefoon\n")
    photo = receipt_jpg(when.date())
    mail.add_attachment(photo, maintype="image", subtype="jpeg", filename=f"IMG_{when:%Y%m%d}_0742.jpg")


def _forwarded(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["ovens"]
    inner = EmailMessage()
    _from(inner, bill.supplier, "service")
    inner["To"] = "joost@bakkerijdevries.example"
    inner["Date"] = format_datetime(when - timedelta(hours=3))
    inner["Message-ID"] = f"<{bill.number}@{bill.supplier.domain}>"
    inner["Subject"] = f"Factuur {bill.number} reparatie etageoven"
    _letter(inner, bill)
    _pdf(inner, bill, f"Factuur {bill.number}.pdf")
    mail["From"] = '"Joost de Vries" <joost@bakkerijdevries.example>'
    mail["Subject"] = f"Fwd: Factuur {bill.number} reparatie etageoven"
    mail.set_content("Deze kwam bij mij binnen, hoort in de boekhouding.\n\nJoost\n")
    mail.add_attachment(inner)


def _printer(mail: EmailMessage, bills: dict[str, Invoice], when: datetime) -> None:
    bill = bills["printer"]
    _from(mail, bill.supplier)
    mail["Subject"] = f"Factuur {bill.number} broodzakken en menukaarten"
    _letter(mail, bill)
    _pdf(mail, bill, f"Factuur {bill.number}.pdf")
