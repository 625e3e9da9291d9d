"""The demo's suppliers and what they bill. All of it is made up; the sums are right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Party:
    name: str
    street: str
    city: str
    domain: str
    kvk: str
    account: str
    color: str = "#2b5d8a"
    trade: str = ""

    @property
    def vat(self) -> str:
        """Dutch in form, given to nobody; its check digits are right, as a sole trader's."""
        digits = "".join(str(int(sign, 36)) for sign in f"NL{self.kvk}0B00")
        return f"NL{self.kvk}0B{98 - int(digits) % 97:02}"

    @property
    def iban(self) -> str:
        """Dutch in form, of a bank that does not exist; its check digits are right."""
        digits = "".join(str(int(sign, 36)) for sign in f"DEMO{self.account}NL00")
        return f"NL{98 - int(digits) % 97:02}DEMO{self.account}"


@dataclass(frozen=True)
class Line:
    text: str
    quantity: Decimal
    unit: str
    price: Decimal
    rate: int

    @property
    def amount(self) -> Decimal:
        return (self.quantity * self.price).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Invoice:
    supplier: Party
    number: str
    issued: date
    lines: tuple[Line, ...]
    customer_number: str
    term: int = 14
    note: str = ""

    @property
    def due(self) -> date:
        return self.issued + timedelta(days=self.term)

    @property
    def net(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal())

    @property
    def taxes(self) -> dict[int, tuple[Decimal, Decimal]]:
        """rate: (taxed amount, tax), as the invoice states them."""
        rates = sorted({line.rate for line in self.lines})
        bases = {rate: sum((line.amount for line in self.lines if line.rate == rate), Decimal()) for rate in rates}
        return {rate: (base, (base * rate / 100).quantize(CENT, ROUND_HALF_UP)) for rate, base in bases.items()}

    @property
    def total(self) -> Decimal:
        return self.net + sum((tax for _, tax in self.taxes.values()), Decimal())


CUSTOMER = Party(
    "Bakkerij De Vries", "Korenmolen 12", "1234 AB Voorbeeldstad", "bakkerijdevries.example",
    "90000001", "0000000001",
)  # fmt: skip
#: the mailbox that its suppliers write to
MAILBOX = "facturen@bakkerijdevries.example"

ENERGY = Party(
    "Windkracht Zeven Energie B.V.", "Turbineweg 7", "1240 EA Voorbeeldstad", "windkrachtzeven.example",
    "90000002", "0000000002", "#1f7a4d", "Stroom en gas voor het midden- en kleinbedrijf",
)  # fmt: skip
TELECOM = Party(
    "Lijnrecht Telecom B.V.", "Kabelkade 48", "1241 TB Voorbeeldstad", "lijnrecht.example",
    "90000003", "0000000003", "#7a2f8f", "Internet en telefonie voor bedrijven",
)  # fmt: skip
WHOLESALE = Party(
    "Graan & Goed Bakkerijgrondstoffen B.V.", "Silolaan 3-5", "1242 GG Voorbeeldstad", "graanengoed.example",
    "90000004", "0000000004", "#a3621b", "Groothandel voor de ambachtelijke bakker",
)  # fmt: skip
OFFICE = Party(
    "Paperclip Kantoorartikelen", "Nietjesplein 20", "1243 PK Voorbeeldstad", "paperclip.example",
    "90000005", "0000000005", "#b02a37", "Alles voor het bureau, morgen in huis",
)  # fmt: skip
ACCOUNTANT = Party(
    "Smit & Balans Accountants", "Grootboekstraat 101", "1244 AC Voorbeeldstad", "smitenbalans.example",
    "90000006", "0000000006", "#23395b", "Accountants en belastingadviseurs",
)  # fmt: skip
DAIRY = Party(
    "Zuivelhoeve De Boterbloem", "Weidepad 1", "1245 ZU Voorbeeldstad", "deboterbloem.example",
    "90000007", "0000000007", "#c08a00", "Boter, room en eieren van eigen erf",
)  # fmt: skip
CLEANING = Party(
    "Helder & Zn. Schoonmaak", "Emmerdreef 9", "1246 HS Voorbeeldstad", "helderenzoon.example",
    "90000008", "0000000008", "#0e7490", "Schoonmaak en glasbewassing",
)  # fmt: skip
INSURER = Party(
    "Onderlinge Bakkersverzekering U.A.", "Polisplein 2", "1247 OV Voorbeeldstad", "bakkersonderling.example",
    "90000009", "0000000009", "#4b5563", "Van en voor bakkers sinds 1911",
)  # fmt: skip
WASTE = Party(
    "Rondom Containers B.V.", "Kringloop 66", "1248 RC Voorbeeldstad", "rondomcontainers.example",
    "90000010", "0000000010", "#3f6212", "Inzameling en hergebruik",
)  # fmt: skip
OVENS = Party(
    "Van der Gloed Oventechniek", "Vuurvaste Steeg 14", "1249 OT Voorbeeldstad", "vandergloed.example",
    "90000011", "0000000011", "#9a3412", "Onderhoud van ovens en kneders",
)  # fmt: skip
PRINTER = Party(
    "Drukkerij Het Zetsel", "Letterhof 8", "1250 DR Voorbeeldstad", "hetzetsel.example",
    "90000012", "0000000012", "#1d4ed8", "Drukwerk en verpakkingen",
)  # fmt: skip


def _lines(*rows: tuple[str, str, str, str, int]) -> tuple[Line, ...]:
    return tuple(
        Line(text, Decimal(quantity), unit, Decimal(price), rate) for text, quantity, unit, price, rate in rows
    )


def invoices(today: date) -> dict[str, Invoice]:
    """By a short name. Numbers are fixed, dates count back from today."""
    year = today.year

    def bill(supplier: Party, serial: str, days: int, lines: Iterable[Line], note: str = "", term: int = 14) -> Invoice:
        customer_number = f"K{int(supplier.kvk) % 1000:03}-0412"
        number = serial.replace("YYYY", str(year))
        return Invoice(supplier, number, today - timedelta(days=days), tuple(lines), customer_number, term, note)

    return {
        "energy": bill(ENERGY, "WZ-YYYY-104882", 9, _lines(
            ("Elektriciteit, normaal tarief", "1840", "kWh", "0.2415", 21),
            ("Elektriciteit, dal", "2265", "kWh", "0.1988", 21),
            ("Gas", "612", "m³", "0.8740", 21),
            ("Vastrecht en netbeheer", "1", "maand", "86.40", 21),
        ), "Leveringsadres: Korenmolen 12. Meterstanden op afstand gelezen.", term=21),
        "telecom": bill(TELECOM, "YYYY11-77310", 8, _lines(
            ("Zakelijk glasvezel 1 Gbit/s", "1", "maand", "54.95", 21),
            ("Telefonie, twee lijnen", "2", "maand", "12.50", 21),
            ("Mobiel Bezorger 10 GB", "3", "maand", "17.00", 21),
            ("Gesprekskosten buiten bundel", "1", "stuk", "3.86", 21),
        ), "Wij schrijven het bedrag rond de vervaldatum af van uw rekening."),
        "wholesale": bill(WHOLESALE, "F26.40918", 7, _lines(
            ("Tarwebloem T65, zak 25 kg", "24", "zak", "19.85", 9),
            ("Roggemeel volkoren, zak 25 kg", "8", "zak", "21.40", 9),
            ("Verse gist, doos 10 x 1 kg", "3", "doos", "26.10", 9),
            ("Zeezout fijn, emmer 10 kg", "2", "emmer", "8.75", 9),
            ("Bakpapier 400 x 600, 500 vel", "4", "pak", "31.20", 21),
            ("Statiegeld pallet", "1", "stuk", "15.00", 0),
        ), "Geleverd volgens pakbon P26.40918."),
        "office": bill(OFFICE, "PC-558201", 6, _lines(
            ("Thermorol kassa 80 x 80, doos 30", "2", "doos", "34.90", 21),
            ("Ordner A4 wit, 10 stuks", "1", "pak", "27.50", 21),
            ("Etiketten ingrediënten, rol 1000", "6", "rol", "11.25", 21),
        )),
        "accountant": bill(ACCOUNTANT, "YYYY0873", 5, _lines(
            ("Btw-aangifte derde kwartaal", "1", "aangifte", "185.00", 21),
            ("Salarisadministratie, zes medewerkers", "6", "strook", "14.50", 21),
            ("Advies investeringsaftrek oven", "1.5", "uur", "128.00", 21),
        ), "Deze factuur ontvangt u ook als UBL, zodat zij zonder overtypen in uw boekhouding kan.", term=30),
        "dairy-1": bill(DAIRY, "BB-YYYY-46", 10, _lines(
            ("Roomboter, blok 10 kg", "4", "blok", "68.50", 9),
            ("Slagroom 35 %, can 5 l", "6", "can", "19.95", 9),
            ("Eieren klasse A, 180 stuks", "3", "doos", "36.00", 9),
        ), "Weekfactuur"),
        "dairy-2": bill(DAIRY, "BB-YYYY-47", 3, _lines(
            ("Roomboter, blok 10 kg", "5", "blok", "68.50", 9),
            ("Karnemelk, can 10 l", "2", "can", "11.20", 9),
            ("Eieren klasse A, 180 stuks", "4", "doos", "36.00", 9),
        ), "Weekfactuur"),
        "cleaning": bill(CLEANING, "26-2207", 4, _lines(
            ("Schoonmaak winkel en productie", "18", "uur", "32.75", 21),
            ("Glasbewassing voorgevel", "1", "beurt", "65.00", 21),
        )),
        "insurer": bill(INSURER, "P-330199-YYYY", 4, _lines(
            ("Bedrijfsaansprakelijkheid, kwartaalpremie", "1", "kwartaal", "148.20", 0),
            ("Inventaris en machinebreuk, kwartaalpremie", "1", "kwartaal", "212.65", 0),
        ), "Verzekeringen zijn vrijgesteld van btw. Assurantiebelasting is inbegrepen.", term=30),
        "waste": bill(WASTE, "RC261101", 3, _lines(
            ("Lediging rolcontainer 1100 l rest", "4", "keer", "27.40", 21),
            ("Lediging swill 240 l", "4", "keer", "13.10", 21),
            ("Huur containers", "2", "maand", "6.50", 21),
        )),
        "ovens": bill(OVENS, "VG-1442", 2, _lines(
            ("Storing etageoven: voorrijden", "1", "rit", "72.50", 21),
            ("Arbeid monteur", "2.25", "uur", "84.00", 21),
            ("Verwarmingselement 3 kW", "2", "stuk", "139.00", 21),
        )),
        "printer": bill(PRINTER, "HZ-9061", 1, _lines(
            ("Broodzakken bedrukt, 2-kleuren", "5000", "stuk", "0.0485", 21),
            ("Menukaart A5, 250 g", "150", "stuk", "0.62", 21),
        ), "Drukproef akkoord bevonden."),
    }  # fmt: skip


def euro(amount: Decimal) -> str:
    """1234.5 -> '1.234,50', as a Dutch invoice writes it."""
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
