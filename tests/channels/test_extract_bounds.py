"""Mails made to cost much. What is asserted is what becomes of them; a cap that is gone shows as a hang."""

from __future__ import annotations

import binascii
import io
import tracemalloc
import zipfile
from dataclasses import replace

import pytest

from channels.extract import Limits, MailUnreadable, extract, heading, part_bytes
from tests.mails.building import attached, b64, mail, mixed, multi, part, pdf, text, zip_of
from zenvoices.lib import filetypes
from zenvoices.lib.packages import package_kind

pytestmark = pytest.mark.thorough


def outcomes(raw: bytes, limits: Limits | None = None) -> list[tuple[str, str, str]]:
    return [(part.path, part.outcome, part.reason) for part in extract(raw, limits or Limits()).parts]


def test_mail_above_the_limit_is_not_read() -> None:
    with pytest.raises(MailUnreadable) as caught:
        extract(b"x" * 101, Limits(mail=100))

    assert caught.value.code == "mail_too_large"


def test_thousand_multiparts_inside_each_other_end_at_the_depth_limit() -> None:
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1_000))

    assert outcomes(raw) == [(".".join(["1"] * 50), "refused", "too_deep")]


def test_thousand_mails_inside_each_other_end_at_the_depth_limit() -> None:
    found = extract(b"Content-Type: message/rfc822\n\n" * 1_000 + b"\n").parts

    assert len(found) == 51
    assert {part.reason for part in found[:50]} == {"opened"}
    assert (found[50].outcome, found[50].reason) == ("refused", "too_deep")
    assert max(len(part.path) for part in found) <= 255


def test_huge_to_header_costs_nothing_and_the_parts_after_it_are_found() -> None:
    to = b"To: " + b", ".join(b"a%d@example" % n for n in range(30_000)) + b"\n"
    found = extract(to + mixed(attached(pdf("a"), "application/pdf", "a.pdf")))

    assert [part.outcome for part in found.parts] == ["document"]
    assert len(found.to) <= 2_000
    assert found.defects == ("header_too_long",)


def test_twenty_thousand_parameters_are_cut_off() -> None:
    kind = "Content-Type: application/pdf; name=a.pdf" + "".join(f"; p{n}=v" for n in range(20_000))

    assert outcomes(mixed(part(b64(pdf("a")), kind, "Content-Transfer-Encoding: base64"))) == [("2", "document", "")]


def test_many_header_lines_are_cut_off_and_the_body_still_found() -> None:
    found = extract(b"X: y\n" * 100_000 + b"\nHallo")

    assert (found.text, found.defects, len(found.headers)) == ("Hallo", ("headers_cut",), 500)


def test_million_returns_in_a_row_in_a_header() -> None:
    found = extract(b"To: f@acme.test\nSubject: Factuur\rX: y" + b"\r" * 1_000_000 + b"\n\nHallo")

    assert (found.subject, found.to, found.text) == ("Factuur", "f@acme.test", "Hallo")


def test_blanks_between_the_parameters_of_every_part() -> None:
    kind = "Content-Type: application/pdf" + " " * 16_000 + "x; name=a.pdf"
    parts = [part(b64(pdf(str(n))), kind, "Content-Transfer-Encoding: base64") for n in range(200)]

    assert [outcome for _, outcome, _ in outcomes(mixed(*parts))] == ["document"] * 200


def test_links_without_an_end_in_a_page() -> None:
    link = "<a " + "href=http:" * 190 + "x" * 4_000
    page = mail(text(link * 170 + "<a href='https://acme.test/factuur'>Factuur</a>", "html"))

    assert outcomes(page) == [("link", "ignored", "behind_link")]


@pytest.mark.parametrize(
    "piece",
    [
        b"begin 644 a\nM" + b"A" * 60 + b"\n",  # each without an end
        b"=ybegin line=1 size=1 ",
        b"(This file must be converted with BinHex 4.0)\n:aaaaaaaaaaa:\n",
        b"\n\nFrom a@b " + b"1:00 " * 20,
        b"\n\nFrom a@b 1:00\nSubject: x\n",
    ],
)
@pytest.mark.proof
def test_files_in_a_text_and_mails_in_a_mailbox_file_without_an_end(piece: bytes) -> None:
    """One look at the whole for each would take minutes."""
    raw = b"From a@b 1:00\nFrom: a@b.example\nSubject: x\nDate: x\n\n" + piece * (8_000_000 // len(piece))
    inside = mixed(attached(raw, "application/mbox", "a.mbox"))

    assert outcomes(inside)[0] == ("2", "container", "opened")
    assert len(outcomes(inside)) <= Limits().parts + 1
    assert len(outcomes(mail(part(raw, "Content-Type: text/plain")))) <= Limits().parts + 1


PASTED = b'<a href="data:application/pdf;base64,' + b"A" * 104 + b'">'
UUENCODED = b"begin 644 a.txt\n!80  \nend\n"
BINHEX = b"(This file must be converted with BinHex 4.0)\n:AAAAAAAAAAAA:\n"


@pytest.mark.parametrize("piece", [PASTED, UUENCODED, BINHEX])
def test_files_in_many_texts_are_no_more_than_a_mail_may_have_parts(piece: bytes) -> None:
    kind = "Content-Type: text/html" if piece is PASTED else "Content-Type: text/plain"
    found = extract(mixed(*[part(piece * 900, kind)] * 20)).parts

    assert len(found) <= Limits().parts + 1
    assert [one.path for one in found if one.reason == "too_many_parts"] == [found[-1].path]


@pytest.mark.proof
def test_multiparts_without_a_boundary_and_lines_of_blanks() -> None:
    """Each line was once tried from each of its letters."""
    long, many = b"--x" + b" " * 16_000 + b"\n", (b"--x" + b" " * 199 + b"x\n") * 79
    found = extract(mixed(*[part(long + many, "Content-Type: multipart/mixed")] * 900))

    assert "boundary_missing" in found.defects


@pytest.mark.parametrize(
    "piece", [b"b=\r\n", b"&#x41;", b"<a>", b"data:a/b", b"JVBERi0" + b"A" * 60 + b"\r\n\r\n", b"X-A: b\r\n\r\n"]
)
def test_escapes_files_and_headers_by_the_million(piece: bytes) -> None:
    """As a file, as a text, and where headers may go on."""
    data = piece * (4_000_000 // len(piece))
    called = part(data, "Content-Type: application/pdf; name=a.pdf", "Content-Transfer-Encoding: base64")
    found = [
        extract(raw).parts for raw in (mixed(called), mail(part(data, "Content-Type: text/html")), b"To: a\n\n" + data)
    ]

    assert [part.path for part in found[0]] == ["2"]
    assert all(len(parts) <= 2 for parts in found)


def test_thousands_of_addressees_without_an_address() -> None:
    to = (b"To: " + b"a" * 4_000 + b"\n") * 2_000

    assert heading(b"From: Jan <jan@acme.test>\nCc: f@klant.test\n" + to + b"\nHallo").recipients == ("f@klant.test",)


@pytest.mark.parametrize("encoding", ["quoted-printable", "x-uuencode", "base64"])
@pytest.mark.proof
def test_damaged_text_takes_little_more_memory_than_it_is_long(encoding: str) -> None:
    """What a pattern replaces took seventeen times as much."""
    line = {"x-uuencode": b"M" + b"A" * 60 + b"\n", "base64": b"QUFB" * 15 + b"\n"}.get(encoding, b"hallo =E9=   \n")
    raw = mail(part(line * (4_000_000 // len(line)) + b"=-", "Content-Transfer-Encoding: " + encoding))
    tracemalloc.start()
    try:
        extract(raw)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(raw)
    finally:
        tracemalloc.stop()


def test_comments_inside_each_other_in_the_sender() -> None:
    found = extract(b"From: " + b"(" * 3_000 + b" <a@example.org>\n\n")

    assert found.sender_address == "a@example.org"


def test_more_parts_than_the_limit() -> None:
    raw = mixed(*[attached(pdf(str(n)), "application/pdf", f"{n}.pdf") for n in range(1_200)])
    found = outcomes(raw)

    assert len(found) == 1_000  # the text is the first of the thousand
    assert [outcome for _, outcome, _ in found[:-1]] == ["document"] * 999
    assert found[-1] == ("1001", "refused", "too_many_parts")


def test_a_million_delimiters() -> None:
    found = extract(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 1_000_000 + b"\nHallo")

    assert found.parts == ()


def test_archive_entries_count_as_parts() -> None:
    archive = zip_of(*[(f"{n}.pdf", pdf(str(n))) for n in range(8)])
    raw = mixed(attached(archive, "application/zip", "a.zip"))

    assert [reason for _, _, reason in outcomes(raw, Limits(parts=5))] == [
        "opened",
        "",
        "",
        "",
        "too_many_parts",
    ]


def test_archive_with_too_many_entries_is_refused_whole() -> None:
    archive = zip_of(*[(f"{n}.pdf", b"%PDF-") for n in range(501)])

    assert outcomes(mixed(attached(archive, "application/zip", "a.zip"))) == [("2", "refused", "archive_bomb")]


def test_directory_of_a_hundred_thousand_entries_is_not_even_listed() -> None:
    archive = b"PK\x03\x04" + b"PK\x01\x02" * 100_000

    assert outcomes(mixed(attached(archive, "application/zip", "a.zip"))) == [("2", "refused", "archive_bomb")]


@pytest.mark.parametrize("word", ["signature", "asicmanifest", "timestamp"])
def test_names_in_an_archive_that_say_the_same_thousands_of_times(word: str) -> None:
    """An upload of 25 MB with such names kept a web thread for a minute and a half."""
    names = [f"META-INF/{n}{word * 5_000}.txt" for n in range(300)]

    assert package_kind(names) == filetypes.ZIP
    assert package_kind([*names, f"META-INF/{word * 5_000}.xml", f"META-INF/{word}.tst"]) == filetypes.ASIC


def test_directories_of_all_archives_together_are_bounded() -> None:
    archive = attached(zip_of(("a.pdf", pdf("a"))), "application/zip", "a.zip")
    found = outcomes(mixed(*[archive] * 45), Limits(archive_entries=1))

    assert [reason for _, _, reason in found] == ["opened", ""] * 40 + ["archive_bomb"] * 5


def test_archive_that_unpacks_to_more_than_the_total() -> None:
    archive = zip_of(*[(f"{n}.pdf", b"%PDF-" + bytes(range(256)) * 40) for n in range(5)])
    raw = mixed(attached(archive, "application/zip", "a.zip"))

    assert [reason for _, _, reason in outcomes(raw, Limits(archive_total=25_000))] == [
        "opened",
        "",
        "",
        "archive_bomb",
        "archive_bomb",
        "archive_bomb",
    ]


def test_archive_entry_that_claims_to_be_small_is_read_no_further() -> None:
    archive = bytearray(zip_of(("a.pdf", b"%PDF-" + bytes(5_000_000))))
    directory = archive.index(b"PK\x01\x02")
    archive[directory + 24 : directory + 28] = (1_000).to_bytes(4, "little")

    assert outcomes(mixed(attached(bytes(archive), "application/zip", "a.zip"))) == [
        ("2", "container", "opened"),
        ("2/a.pdf#1", "refused", "damaged"),
    ]


def test_archive_with_overlapping_entries_is_refused() -> None:
    archive = bytearray(zip_of(("a.pdf", pdf("a")), ("b.pdf", pdf("b"))))
    second = archive.rindex(b"PK\x01\x02")
    archive[second + 42 : second + 46] = bytes(4)

    assert outcomes(mixed(attached(bytes(archive), "application/zip", "a.zip"))) == [("2", "refused", "archive_bomb")]


def test_archive_method_with_unbounded_memory_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.pdf", pdf("a"))

    assert outcomes(mixed(attached(out.getvalue(), "application/zip", "a.zip")))[1:] == [
        ("2/a.pdf#1", "refused", "packed_unknown")
    ]


def test_copies_inside_copies_end_at_the_total() -> None:
    raw = b"\nbody" + bytes(1_000)
    for _ in range(45):
        raw = b"Content-Type: application/octet-stream; name=a.eml\n\nX-Mail: 1\n" + raw
    found = outcomes(raw, Limits(archive_total=20_000))

    assert 2 < len(found) < 20
    assert {reason for _, _, reason in found[:-1]} == {"opened"}
    assert found[-1][1:] == ("refused", "too_deep")


def test_part_above_the_limit_is_refused_and_can_still_be_taken() -> None:
    data = pdf("groot") + bytes(10_000)
    raw = mixed(attached(data, "application/pdf", "groot.pdf"))
    limits = replace(Limits(), part=5_000)

    (found,) = extract(raw, limits).parts

    assert (found.outcome, found.reason, found.can_be_taken) == ("refused", "too_large", True)
    assert part_bytes(raw, "2", limits) == (found, data)


def test_entry_above_the_limit_is_refused_and_cannot_be_taken() -> None:
    raw = mixed(attached(zip_of(("a.pdf", pdf("a") * 100)), "application/zip", "a.zip"))

    found = extract(raw, replace(Limits(), part=5_000)).parts[1]

    assert (found.reason, found.can_be_taken) == ("too_large", False)


def test_path_of_a_deep_part_fits_its_row_and_still_finds_the_part() -> None:
    raw = mixed(attached(pdf("a"), "application/pdf", "a.pdf"), attached(pdf("b"), "application/pdf", "b.pdf"))
    for level in range(8):
        lines = b"".join(binascii.b2a_uu(raw[at : at + 45]) for at in range(0, len(raw), 45))
        name = b"%b%d.eml" % (b"n" * 36, level)
        raw = b"Content-Type: text/plain\n\nhi\n\nbegin 644 " + name + b"\n" + lines + b"`\nend\n"

    kept: dict[str, bytes] = {}
    found = extract(raw, keep=lambda part, content: kept.update({part.path: content.read()})).parts

    assert [part.outcome for part in found] == ["container"] * 8 + ["document"] * 2
    assert len({part.path for part in found}) == len(found)
    assert max(len(part.path) for part in found) == 255
    assert all(part_bytes(raw, one.path)[0] == one for one in found)
    assert {path: part_bytes(raw, path)[1] for path in kept} == kept


def test_media_type_that_is_too_long_becomes_that_of_any_file() -> None:
    longest, too_long = f"audio/{'x' * 120}", f"{'y' * 80}/{'z' * 120}"
    raw = mixed(*(attached(b" ", media) for media in (longest, too_long)))

    assert (len(longest), len(too_long)) == (126, 201)
    assert [part.content_type for part in extract(raw).parts] == [longest, "application/octet-stream"]


def test_text_is_cut_at_its_limit() -> None:
    raw = mail(multi("alternative", text("€" * 1_000), text("<p>" + "€" * 1_000, "html")))
    found = extract(raw, Limits(text=100, html=50))

    assert (found.text, found.html) == ("€" * 100, "<p>" + "€" * 47)


def test_text_is_not_cut_inside_a_character() -> None:
    for extra in range(3):
        found = extract(b"Content-Type: text/plain\n\n" + b"x" * extra + "€".encode() * 1_000, Limits(text=100))

        assert found.text == ("x" * extra + "€" * 200)[:100]


def test_html_of_unclosed_tags_and_comments() -> None:
    for piece in (b"<!--", b"<script>", b"<a ", b"<![CDATA[", b"&#" + b"1" * 5_000 + b";"):
        assert extract(b"Content-Type: text/html\n\n" + piece * (500_000 // len(piece))).parts == ()


def test_page_of_a_hundred_thousand_pictures_that_are_none() -> None:
    """Each was once looked behind for 27,000 characters."""
    for begun in (b"data:image/png,", b"data:image/png;base64,", b"data:application/pdf;base64,AAAA "):
        mail = extract(b"From: a@klant.test\r\nContent-Type: text/html\r\n\r\n" + begun * 100_000)
        assert [part.outcome for part in mail.parts if part.outcome == "document"] == []


def test_same_mail_inside_many_levels_is_searched_a_bounded_number_of_times() -> None:
    levels = [b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(40)]
    raw = b"".join(levels) + attached(pdf("a"), "application/pdf", "a.pdf")

    assert [reason for _, _, reason in outcomes(raw)] == [""]
    assert [reason for _, _, reason in outcomes(raw, Limits(mail=len(raw)))] == ["too_deep"]
