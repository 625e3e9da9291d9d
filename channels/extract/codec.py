"""Content-Transfer-Encoding, with as much patience for damage as the data allows."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice

import pybase64

from channels.extract.limits import Budget
from channels.extract.model import Raw
from channels.extract.windows import PIECE, search, windows
from zenvoices.lib import filetypes
from zenvoices.lib.mail_source import is_mail

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_STILL_ENCODED = (b"JVBERi0", b"PD94bWwg", b"UEsDBB", b"/9j/4", b"iVBORw0KGgo")
_COUNTED, _ROUNDING = 16 * 1024, 16  # bytes
_SHORTEST_URL_SAFE = 64
_URL_SAFE = bytes(set(range(256)) - set(_NOT_BASE64) - set(b"+/")) + b"-_"
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n"
_NEITHER = bytes(set(_NOT_BASE64) - set(b"="))
_PADDED = re.compile(rb"[^=]+={0,2}")
_RUN = re.compile(rb"(=+)|([A-Za-z0-9+/]+)|[^A-Za-z0-9+/=]+")
_SHORTEST_PIECE = 4
_MOST_PIECES = 500_000  # of a line each in the largest part that is taken
# What letters of the alphabet that are no base64 may be taken for: the mark of a program is two bytes.
_SAYS_NOTHING = frozenset([filetypes.BINARY, filetypes.PROGRAM, "text/plain"])
_ARMOURED = re.compile(rb"-----BEGIN (?:PKCS ?#?7|CMS|PKCS7 SIGNED DATA|SIGNED MESSAGE)-----[ \t]*\r*\n")
_END_OF_ARMOUR = re.compile(rb"-----END")
# RFC 2397: what programs for browsers hand to a mailer without a second thought.
_DATA_URI = re.compile(rb"data:[\w.+-]{1,100}/[\w.+-]{1,100}(?:;[\w=.+\"-]{1,100}){0,9};base64,", re.IGNORECASE)
_OPENER = re.compile(
    rb"\s*+(?:b?([\"'])|\{\s*+\"[\w-]{1,40}\"\s*+:\s*+(\")|" + _DATA_URI.pattern + rb")?", re.IGNORECASE
)
_QUOTE = {b'"': re.compile(rb'"'), b"'": re.compile(rb"'")}
# What begins an escape, what shows that there are any, which stand for no letter, and which for a byte, in JSON,
# quoted-printable, addresses and XML: base64 that went through one of them and was never read back has letters of it in
# its lines, of a "+" alone where these were not kept. In quoted-printable behind a letter that no padding follows
# (RFC 4648 3.5).
_IN_JSON = re.compile(rb"\\(?:u00[0-9A-F]{2}|[rnt])", re.IGNORECASE)
_IN_ADDRESS = re.compile(rb"%[0-9A-F]{2}", re.IGNORECASE)
_IN_PAGE = re.compile(rb"[&<](?:(?<=&)#(?:x[0-9A-F]{1,2}|\d{2,3});|(?<=<)/?[a-z][^<>]{0,100}>)", re.IGNORECASE)
_SOFT = re.compile(rb"=(?:0D=0A|(?<=[^AEIMQUYcgkosw048=\s]=)(?:2B|2F|3D|0D|0A|[ \t]*\r*\n))")
_NOTHING = re.compile(rb"(?!)")
_BYTE_IN_JSON = re.compile(rb"\\u00[0-9A-F]{2}", re.IGNORECASE)
_BYTE_IN_PAGE = re.compile(rb"&#(?:x[0-9A-F]{1,2}|\d{2,3});", re.IGNORECASE)
_WRITTEN_AS = (
    (b"\\", _IN_JSON, re.compile(rb"\\[rnt]"), _BYTE_IN_JSON),
    (b"=", _SOFT, re.compile(rb"=[ \t]*\r*\n"), re.compile(rb"=[0-9A-F]{2}")),
    (b"%", _IN_ADDRESS, _NOTHING, _IN_ADDRESS),
    (b"&<", _IN_PAGE, re.compile(rb"</?[a-z][^<>]{0,100}>", re.IGNORECASE), _BYTE_IN_PAGE),
)
_LONGEST_ESCAPE = 104
_MOST_KINDS, _SPARSE = 16, 10
INNER_BLANK = re.compile(rb"[A-Za-z0-9/] +[A-Za-z0-9/]")
_SEVERAL = 3
# A text behind the data, and what in it would be data after all.
_FOOTER_WITHIN, _SHORTEST_LINE = 16 * 1024, 40
_LETTERS_ONLY = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_ESCAPED = re.compile(b"|".join(one.pattern for one in (_BYTE_IN_JSON, _BYTE_IN_PAGE, _IN_ADDRESS)), re.IGNORECASE)
_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)")
_IN_WORDS = re.compile(rb"\S[ \t]+\S|\A[^A-Za-z0-9+/]+\Z")
_STILL_DATA = re.compile(rb"[A-Za-z0-9+/]{40}")
_LINE = re.compile(rb"\s*+([^\n]*+)\n")
_LEAD_WITHIN, _MOST_LEAD_LINES = 8 * 1024, 10
# Two lines of at least a line's usual length, or all there is.
_ENCODED_START = re.compile(rb"[A-Za-z0-9+/]{60,80}\r*\n(?:[A-Za-z0-9+/]+={0,2}[ \t]*\r*\n?)++|[A-Za-z0-9+/]{200,}")
_FILES = (b"%PDF-", b"PK\x03\x04", b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"<?xml", b"<html", b"<!DOCTYPE")
_LINES_OF_BASE64 = bytes(set(range(256)) - set(_NOT_BASE64)) + b"=_-\r\n"
_NOT_IN_BASE64 = re.compile(rb"[^A-Za-z0-9+/=_\s-]|(?<=\S)[ \t]+(?=\S)")
_SHORTEST_PLAIN = 8
_LONGEST_LINE = 64 * 1024
_WIDENED = re.compile(rb"=[ \t]+(?=\r*\n)")  # blanks behind a soft line break come from the way (RFC 2045 6.7)
_UNFINISHED = re.compile(rb"=[ \t]*[0-9A-Fa-f]?\r*\Z")
_UNFINISHED_WITHIN = 1024
_QUOTED_FILE = re.compile(
    rb"\s{0,200}(?:=EF=BB=BF)?(?:<\?xml\s[^<>]{0,80}?=3D[\"']|%PDF-\d\.\d(?:=0D)?=0A"
    rb"|=FF=D8=FF|=89PNG=0D=0A|PK=03=04|=D0=CF=11=E0|II\*=00|MM=00\*)"
)
_QUOTED = re.compile(rb"=(?:[0-9A-F]{2}|[ \t]*\r*\n)")
_FEWEST_QUOTED = 3
_QUOTED_UTF8 = re.compile(rb"=[C-F][0-9A-F]=[89AB][0-9A-F]")
_FEWEST_BLANKS = 2
_IN_A_TEXT = bytes(byte for byte in range(256) if byte >= 32 or byte in b"\t\r\n")
# As databases give a file that nobody asked them to decode: SQL Server and Oracle, PostgreSQL's bytea.
_HEX_FILE = re.compile(rb"\s{0,200}(?:0x|\\x|[xX]')?((?:[0-9A-F]{2}){32,2000})", re.IGNORECASE)
_NOT_HEX = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_MOST_UU_LINES = 1_000_000  # of 45 bytes, as everybody writes them
HEX = "x-hex"
UU_NAMES = frozenset(["x-uuencode", "uuencode", "uue", "x-uue"])
# With "-base64" behind "begin" (POSIX uuencode -m) the lines are base64, up to "====".
UU_BEGIN = re.compile(rb"^begin(-base64)? [0-7]{3,4} ([^\r\n]{0,300})\r*\n", re.MULTILINE)
# The blanks at its end may be gone.
_UU_FULL_LINE = re.compile(rb"M[ -`]{40,64}[ \t]*+\r*(?:\n|\Z)")
_UU_LINES_AT_ONCE = 2_000
_LONGEST_UU_LINE = 1024


def decode(data: bytes | memoryview, encoding: str, budget: Budget) -> bytes:
    """The bytes behind an encoding; unknown encodings and 7bit, 8bit, binary as they are."""
    if encoding == "base64":
        return decode_base64(data, budget)
    plain = bytes(data)
    pieces = decoded(plain, 0, len(plain), encoding, budget)
    return plain if pieces is None else b"".join(pieces)


def decoded(raw: Raw, start: int, end: int, encoding: str, budget: Budget) -> Iterator[bytes] | None:
    """The same in pieces; None where the bytes are as they stand. Base64: what is damaged about it is mended."""
    if encoding == "base64":
        return _mended_base64(partial(windows, raw, start, _before_footer(raw, start, end)), budget)
    if encoding == "quoted-printable":
        return map(_unquoted, _whole_lines(raw, start, end))
    if encoding == HEX:
        return _from_hex(windows(raw, start, end))
    return _decoded_uu(raw, start, end, budget) if encoding in UU_NAMES else None


def _unquoted(lines: bytes) -> bytes:
    return binascii.a2b_qp(_WIDENED.sub(b"=", lines) if b"= " in lines or b"=\t" in lines else lines)


def _whole_lines(raw: Raw, start: int, end: int) -> Iterator[bytes]:
    """A little at a time: what a pattern replaces takes many times the memory of what it is given. A line without an
    end is cut where no letter of it is."""
    kept = b""
    for piece in windows(raw, start, end):
        kept += piece
        cut = kept.rfind(b"\n") + 1
        if not cut and len(kept) > _LONGEST_LINE:
            cut = kept.rfind(b"=") if _UNFINISHED.search(kept[-_UNFINISHED_WITHIN:]) else len(kept)
        yield kept[:cut]
        kept = kept[cut:]
    yield kept


def decode_base64(data: bytes | memoryview, budget: Budget) -> bytes:
    try:
        decoded = pybase64.b64decode(data)
        if _is_all(data, decoded):
            return decoded
    except binascii.Error:
        pass
    text = bytes(data)
    return b"".join(_mended_base64(lambda: iter((text[: _before_footer(text, 0, len(text))],)), budget))


def _is_all(data: bytes | memoryview, decoded: bytes) -> bool:
    """Whether nothing but blanks was passed over. Of much data by the length of its first line: counting takes longer
    than decoding."""
    letters = -(-len(decoded) // 3) * 4
    start = bytes(data[:_COUNTED])
    if b" " in start and INNER_BLANK.search(start):
        return False
    if len(data) == len(start):
        return letters == len(data) - sum(map(start.count, (b"\n", b"\r", b" ", b"\t")))
    line = start.find(b"\n") + 1 or bytes(data).find(b"\n") + 1 or len(data)
    ends = len(data) // line * (line - len(bytes(data[:line]).rstrip()))
    return abs(len(data) - letters - ends) <= _ROUNDING


def _mended_base64(given: Callable[[], Iterator[bytes]], budget: Budget) -> Iterator[bytes]:
    """Written as text of another language, of the URL-safe alphabet, encoded in pieces that are each padded, with junk
    in it, with something behind its padding, or cut off."""
    pieces = _read_back(given, budget)
    if _has_lost_plus(pieces()):
        budget.mend("base64_repaired")
        pieces = partial(_with_plus, pieces)

    def texts() -> Iterator[bytes]:
        return (piece.translate(None, delete=_BLANKS) for piece in pieces())

    if _is_url_safe(texts()):
        budget.mend("base64_repaired")
        return _in_groups((text.translate(_FROM_URL_SAFE, delete=b"=") for text in texts()), budget)
    padded, is_data = _padded_pieces(texts())
    if padded:
        budget.mend("base64_repaired")
        return _in_groups(texts() if is_data else _first(texts(), padded), budget)
    if (padding := _padding(pieces())) is not None:
        letters = (piece.translate(None, delete=_NOT_BASE64) for piece in pieces())
        return _in_groups(chain(letters, [padding]), budget)
    return _in_groups(_up_to_padding(pieces()), budget)


def _read_back(pieces: Callable[[], Iterator[bytes]], budget: Budget) -> Callable[[], Iterator[bytes]]:
    """Without the escapes of JSON, quoted-printable, addresses or XML: as blanks, or as what they stand for."""
    for marks, sign, blank, byte in _WRITTEN_AS:
        around = _with(sign, pieces())
        if around and _STILL_DATA.search(around):  # not in what is junk besides
            if len(around) > _COUNTED and len(blank.findall(around) + byte.findall(around)) * _SPARSE > len(around):
                break  # more of them than any base64 has
            budget.mend("base64_repaired")
            return partial(_without_escapes, pieces, marks, blank, byte)
    return pieces


def _has_lost_plus(pieces: Iterator[bytes]) -> bool:
    """Whether a form took each plus for a blank: none is left, blanks stand at no even distance, and with them each
    line is as long as the first."""
    start = b""
    for piece in pieces:
        if b"+" in piece:
            return False
        start += piece[: max(0, _COUNTED - len(start))]
    if not INNER_BLANK.search(start) or start.translate(None, delete=_LINES_OF_BASE64 + b" "):
        return False
    *lines, _last = start.replace(b"\r", b"").split(b"\n")
    if lines and (len({len(line) for line in lines}) > 1 or len(lines[0]) % 4):
        return False
    return len({len(stretch) for stretch in start.split()}) > _SEVERAL


def _with_plus(pieces: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    return (piece.replace(b" ", b"+") for piece in pieces())


def _with(sign: re.Pattern[bytes], pieces: Iterator[bytes]) -> bytes:
    """The piece in which it is; b"" when it is in none."""
    kept = b""
    for piece in pieces:
        text = kept + piece
        if sign.search(text):
            return text
        kept = text[-_LONGEST_ESCAPE:]
    return b""


def _without_escapes(
    pieces: Callable[[], Iterator[bytes]], marks: bytes, blank: re.Pattern[bytes], byte: re.Pattern[bytes]
) -> Iterator[bytes]:
    kept = b""
    for piece in pieces():
        text = kept + piece
        begin = max(0, len(text) - _LONGEST_ESCAPE)
        at = max(text.rfind(mark, begin) for mark in (marks[:1], marks[-1:]))  # it may go on in the next piece
        text, kept = (text[:at], text[at:]) if at >= 0 else (text, b"")
        yield _replaced(blank.sub(b" ", text), byte)
    yield _replaced(blank.sub(b" ", kept), byte)


def _replaced(text: bytes, escape: re.Pattern[bytes]) -> bytes:
    """Each kind of them at once: few are there again and again. Where there are many it is no base64."""
    kinds = set(escape.findall(text))
    for written in kinds if len(kinds) <= _MOST_KINDS else ():
        text = text.replace(written, _stands_for(written))
    return text


def _stands_for(escape: bytes) -> bytes:
    """What is no byte is none of base64 either."""
    digits = escape.strip(b"\\u&#;=%")
    base = 10 if escape[:1] == b"&" and digits[:1] not in b"xX" else 16
    return bytes([int(digits.lstrip(b"xX"), base) & 255])


def _before_footer(raw: Raw, start: int, end: int) -> int:
    """Where data ends when a text stands behind it, of which the letters would be taken for data: a gateway's or a
    mailing list's. It begins behind the last line that is as long as the first one, or behind the shorter one after
    that. Behind an empty line that is one only when it is whole."""
    first = _in_letters(bytes(raw[start : min(end, start + _LEAD_WITHIN)]).lstrip().split(b"\n", 1)[0])
    if len(first) < _SHORTEST_LINE or not _LETTERS_ONLY.fullmatch(first):
        return end
    begin = max(start, end - _FOOTER_WITHIN)
    lines = [(_in_letters(match[0]), match.span()) for match in re.finditer(rb"[^\r\n]+", bytes(raw[begin:end]))]
    full = [
        number
        for number, (line, _) in enumerate(lines)
        if (len(line) >= len(first) or (number == 0 and begin > start)) and _LETTERS_ONLY.fullmatch(line)
    ]
    if not full:
        return end
    last, (_, stop) = lines[full[-1]]
    if not last.endswith(b"=") and full[-1] + 1 < len(lines):
        line, (at, after) = lines[full[-1] + 1]
        apart = bytes(raw[begin + stop : begin + at]).count(b"\n") > 1
        if _GROUPS.fullmatch(line) or not (apart or _IN_WORDS.search(line)):
            stop = after
    footer = bytes(raw[begin + stop : end])
    return begin + stop if _NOT_IN_BASE64.search(footer) and not _STILL_DATA.search(footer) else end


def _in_letters(line: bytes) -> bytes:
    """As long as it is without the escapes of another language."""
    return _ESCAPED.sub(b"A", line).strip() if _ESCAPED.search(line) else line.strip()


def _in_groups(texts: Iterable[bytes], budget: Budget) -> Iterator[bytes]:
    """Letters, of which each group of four may end in padding. What is less than a group is left in the end: the
    standard library gives up on 4n+1 characters and returns the text undecoded; those before are good."""
    kept, is_any = b"", False
    for text in texts:
        kept += text
        groups, kept = kept[: len(kept) // 4 * 4], kept[len(kept) // 4 * 4 :]
        is_any = is_any or bool(groups)
        yield b"".join(pybase64.b64decode(one[0]) for one in _PADDED.finditer(groups))
    if len(kept) == 1:
        budget.mend("base64_cut")
    elif kept:
        budget.mend("base64_cut" if not budget.mended else "base64_repaired")
        yield pybase64.b64decode(kept + b"=" * (4 - len(kept)))
    elif is_any:
        budget.mend("base64_repaired")


def _is_url_safe(texts: Iterable[bytes]) -> bool:
    size, pads, has_its_letters = 0, 0, False
    for text in texts:
        letters = text.rstrip(b"=")
        if (pads and letters) or letters.translate(None, delete=_URL_SAFE):
            return False
        size, pads = size + len(text), pads + len(text) - len(letters)
        has_its_letters = has_its_letters or b"-" in letters or b"_" in letters
    return has_its_letters and pads <= 2 and size >= _SHORTEST_URL_SAFE


def _padded_pieces(texts: Iterable[bytes]) -> tuple[int, bool]:
    """How many characters are pieces with their padding, one behind the other; 0 when these are none. And whether what
    follows is data, and not a mailing list's footer."""
    whole = count = 0
    for letters, pads in _stretches(texts):
        if not pads:
            is_data = letters >= _SHORTEST_PIECE
            return whole if count >= (1 if is_data else 2) else 0, is_data
        size = letters + min(pads, 2)
        if pads > 0 and letters and size % 4 == 0:
            whole, count = whole + size, count + 1
        if pads not in (1, 2) or size % 4 or count >= _MOST_PIECES:
            break
    return whole if count >= 2 else 0, False


def _stretches(texts: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """How many letters, and the padding behind them, 0 at the end; -1 before what is neither, where this ends."""
    letters = pads = 0
    for run in chain.from_iterable(map(_RUN.finditer, texts)):
        if run[1]:
            pads += run.end() - run.start()
            continue
        if pads:
            yield letters, pads
            letters = pads = 0
        if not run[2]:
            yield letters, -1
            return
        letters += run.end() - run.start()
    yield letters, pads


def _padding(pieces: Iterable[bytes]) -> bytes | None:
    """That of all letters together, when it is there; None when it is not: then something was added, or is missing."""
    letters = pads = 0
    for piece in pieces:
        text = piece.translate(None, delete=_NEITHER)
        end = len(text.rstrip(b"="))
        pads = len(text) - end + (0 if end else pads)
        letters += end - text.count(b"=", 0, end)
    missing = -letters % 4
    return b"=" * missing if missing < 3 and pads >= missing else None


def _first(texts: Iterable[bytes], size: int) -> Iterator[bytes]:
    for text in texts:
        yield text[:size]
        size -= len(text)
        if size <= 0:
            return


def _up_to_padding(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The letters, up to the first complete padding, as the standard library has it: what follows is a footer."""
    count = letters = pads = 0
    for piece in pieces:
        *ended, last = piece.translate(None, delete=_NEITHER if count < _MOST_PIECES else _NOT_BASE64).split(b"=")
        count += len(ended)
        for at, some in enumerate(ended):
            letters += len(some)
            pads = 1 if some else pads + 1
            if letters % 4 >= 2 and letters % 4 + pads >= 4:
                yield b"".join(ended[: at + 1]) + b"=" * (4 - letters % 4)
                return
        letters += len(last)
        pads = 0 if last else pads
        yield b"".join(ended) + last


def is_base64(start: bytes) -> bool:
    """Whether decoded data begins as a file of a known type, or a mail, does that is still encoded."""
    start = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(_STILL_ENCODED) or _ARMOURED.match(start) or _DATA_URI.match(start):
        return True
    if (opener := _OPENER.match(start)) and opener.end():  # a program kept its own notation
        return start.startswith(_STILL_ENCODED, opener.end())
    decoded = _decoded_start(start)
    return bool(decoded) and (_is_file(decoded) or is_mail(decoded, expected=True))


def _decoded_start(start: bytes) -> bytes:
    """Of what begins with two full lines of base64, or is all of it; else b""."""
    line = _ENCODED_START.match(start)
    clean = line[0].translate(None, delete=b" \t\r\n").partition(b"=")[0] if line else b""  # pieces may be padded
    return pybase64.b64decode(clean[: len(clean) // 4 * 4])


def _is_file(start: bytes) -> bool:
    """Of a known type, also one that is encoded once more."""
    return filetypes.sniff(start, "", "") not in _SAYS_NOTHING or bool(still_encoded(start))


def behind_lead(raw: Raw, start: int, end: int, is_encoded: Callable[[bytes], bool] = is_base64) -> int:
    """Where the base64 of a part that says so begins: behind what a browser or a program's own notation puts before it,
    the line of a filter, or headers once again. What these hold of the alphabet would shift every byte."""
    head = bytes(raw[start : min(end, start + _LEAD_WITHIN)])
    at = 0
    for _ in range(_MOST_LEAD_LINES):
        opener = _OPENER.match(head, at)
        if opener and is_encoded(head[opener.end() :]):
            return start + opener.end() if head[: opener.end()].strip() else start
        line = _LINE.match(head, at)
        if not line or not (_NOT_IN_BASE64.search(line[1]) or head.startswith(_STILL_ENCODED, line.end())):
            break
        at = line.end()
    return start


def unarmoured(raw: Raw, start: int, end: int) -> tuple[int, int]:
    """Without the lines that PEM (RFC 7468) puts around, or what an address or a program has around its data."""
    head = bytes(raw[start : min(end, start + PIECE)])
    begins = start + len(head) - len(head.lstrip())
    if (opener := _OPENER.match(head.lstrip())) and opener.end():
        quote = opener[1] or opener[2]
        last = search(_QUOTE[quote], raw, begins + opener.end(), end) if quote else None
        return begins + opener.end(), last.start() if last else end
    if armour := _ARMOURED.match(head.lstrip()):
        start = begins + armour.end()
        last = search(_END_OF_ARMOUR, raw, start, end)
        return start, last.start() if last else end
    return start, end


def stands_plainly(start: bytes) -> bool:
    """Whether what is called base64 is not: it begins as a file does, or has what no base64 has."""
    text = start.strip()
    if text.startswith(_FILES) or is_mail(start, expected=True):
        return True
    if len(text) < _SHORTEST_PLAIN or not text.translate(None, delete=_LINES_OF_BASE64):
        return False
    return len(_NOT_IN_BASE64.findall(text)) * 10 > len(text)


def is_uu(start: bytes) -> bool:
    """Whether decoded data is a file that an old program encoded besides."""
    begin = UU_BEGIN.match(start.lstrip())
    return bool(begin and (begin[1] or _UU_FULL_LINE.match(start.lstrip(), begin.end())))


def is_quoted(start: bytes) -> bool:
    """Whether decoded data begins as a file does that is still quoted-printable."""
    return bool(_QUOTED_FILE.match(start)) or (start.lstrip().startswith(b"%PDF-") and says_quoted(start))


def says_quoted(start: bytes) -> bool:
    """Whether each equals sign belongs to an escape of quoted-printable, one to the end of a line, and all is ASCII."""
    text = _UNFINISHED.sub(b"", start)
    quoted = _QUOTED.findall(text)
    if len(quoted) < _FEWEST_QUOTED or len(quoted) != text.count(b"=") or not text.isascii():
        return False
    return any(one.endswith(b"\n") for one in quoted) or bool(_QUOTED_UTF8.search(text))


def is_encoded_text(start: bytes) -> bool:
    """Whether what should be a text is one in base64: two full lines, or all there is, of words."""
    decoded = _decoded_start(start.lstrip())
    return decoded.count(b" ") >= _FEWEST_BLANKS and not decoded.translate(None, delete=_IN_A_TEXT)


def is_hex(start: bytes) -> bool:
    """Whether it begins as a file does of which each byte is written as two hexadecimal digits."""
    digits = _HEX_FILE.match(start)
    return digits is not None and _is_file(bytes.fromhex(digits[1].decode()))


def _from_hex(pieces: Iterator[bytes]) -> Iterator[bytes]:
    kept, is_first = b"", True
    for piece in pieces:
        piece = piece.lstrip().removeprefix(b"0x") if is_first else piece
        digits, is_first = kept + piece.translate(None, delete=_NOT_HEX), False
        whole = len(digits) // 2 * 2
        kept = digits[whole:]
        yield bytes.fromhex(digits[:whole].decode())


def still_encoded(start: bytes) -> str:
    """The encoding that decoded data is still in; "" of all other."""
    if is_uu(start):
        return "x-uuencode"
    if is_base64(start):
        return "base64"
    if is_hex(start):
        return HEX
    return "quoted-printable" if is_quoted(start) else ""


def _decoded_uu(raw: Raw, start: int, end: int, budget: Budget) -> Iterator[bytes]:
    begin = search(UU_BEGIN, raw, start, end)
    lines = islice(_lines(raw, begin.end() if begin else start, end), _MOST_UU_LINES)
    while True:
        out = bytearray()
        for line in islice(lines, _UU_LINES_AT_ONCE):
            piece = _uu_line(line.rstrip(b"\r"), budget)
            if piece is None:
                yield bytes(out)
                return
            out += piece
        if not out:
            return
        yield bytes(out)


def _lines(raw: Raw, start: int, end: int) -> Iterator[bytes]:
    """Those that are not empty; of an absurd one the beginning."""
    kept = b""
    for piece in windows(raw, start, end):
        *lines, last = piece.split(b"\n")
        if lines:
            lines[0], kept = kept + lines[0], b""
            yield from filter(None, lines)
        kept = (kept + last)[:_LONGEST_UU_LINE]
    if kept:
        yield kept


def _uu_line(line: bytes, budget: Budget) -> bytes | None:
    """None at the end of the file, or of what can be read of it."""
    if line.strip() in (b"end", b"`", b""):
        return None
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders end lines with junk: the first character says how many bytes the line holds.
        used = (((line[0] - 32) & 63) * 4 + 5) // 3
        budget.mend("uuencode_damaged")
    try:
        return binascii.a2b_uu(line[:used])
    except binascii.Error:
        return None
