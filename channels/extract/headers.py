"""The header block of a mail or part, with caps.

Own code beside the standard library's, because that has no caps (40,000 addresses cost it 9 s, 500 nested
comments its stack) and reads raw 8-bit headers as unknown. tests/channels/test_extract_properties.py holds
the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from itertools import islice
from urllib.parse import quote, unquote_to_bytes

from channels.extract.limits import Budget
from channels.extract.model import Raw
from channels.extract.windows import give_back, search
from channels.extract.words import codec_of, decode_text, decode_words
from zenvoices.lib.filenames import extension

# Like email.feedparser, a block ends at the first line that is no header, blank or not. Unlike it we allow
# blanks before the colon (RFC 5322 4.5) and any number of CRs before the LF. A bare CR ends a field, not the block.
_BLOCK = re.compile(rb"(?:(?:>?From |[!-9;-~]*[ \t]*:|[ \t])[^\n]*(?:\n|\Z))*+")
_BLANK = re.compile(rb"\r*\n")
_BLANKS = re.compile(rb"(?:[ \t]*\r*\n){1,20}")
# Headers of a MIME entity that stand behind a blank line that does not belong there, and end in one that does.
_BEHIND = re.compile(rb"(?:content-(?:type|transfer-encoding|disposition|id|description)|mime-version)[ \t]*:", re.I)
# A mail that has not said yet whom it is from has not begun.
_OF_A_MAIL = frozenset(["from", "subject", "date", "message-id", "mime-version", "content-type"])
_ENOUGH = 3
# Up to three lines that are no header, and then one that is: a broken line, of which the blank before it is gone.
_BROKEN = re.compile(
    rb"(?:[^\r\n][^\n]*\n){1,3}?(?=(?:content-(?:type|transfer-encoding|disposition|id)|mime-version|subject|from|to"
    rb"|date|message-id)[ \t]*:)"
    # or the parameter of the line before, of which nothing but the blank is missing
    rb"|(?:file)?name\*?\d{0,2}\*?[ \t]*=[^\n]*\n(?=\r*\n)",
    re.IGNORECASE,
)
# A line whose name or colon is misspelt, of which is plain what it means; "Content_Type:" is a name, but a wrong one.
_MISSPELT = re.compile(
    rb"content[ \t_-]{0,3}(type|disposition|id|transfer[ \t_-]{0,3}encoding)"
    rb"(?:[ \t]*[:=]|[ \t]+(?=[a-z]{4,11}/|base64|quoted|attachment|inline))([^\n]*(?:\n|\Z))",
    re.IGNORECASE,
)
_MEANT = {
    b"type": b"content-type",
    b"disposition": b"content-disposition",
    b"id": b"content-id",
    b"transferencoding": b"content-transfer-encoding",
}
_NO_LETTERS = re.compile(rb"[ \t_-]+")
_MOST_MENDS = 5
_MOST_GAPS = 60
_A_FIELD = re.compile(rb"[A-Za-z][!-9;-~]{0,80}[ \t]*:(?!//)")
_WINDOW = 128 * 1024
_LONGEST_BLOCK = 4 * 1024 * 1024  # bytes of it that are kept
_LINE_END, _LF = re.compile(rb"\n"), 0x0A
# From the first of them on: of a million in a row each would else be looked at from each one before it.
_BARE_CR = re.compile(rb"(?<!\r)\r++(?=[^\r\n])")
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*+)", re.MULTILINE)
# From the first blank of several on, as above.
_PARAM = re.compile(r'(?:\A|;|(?<!\s)\s)\s*+([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*))', re.DOTALL)
_AFTER_QUOTED = re.compile(r'\s*(?:;|\Z)|\s+[^\s=;"]+\s*=')
_END_OF_QUOTED = re.compile(r'"\s*(?:;|\Z)')
# Headers of an entity whose line ends are lost: the next begins in the value of the one before.
_ON_ONE_LINE = re.compile(
    r"(?<![\s;])[\s;]++(?=content-(?:type|transfer-encoding|disposition|id|description)\s*:)", re.IGNORECASE
)
_MAY_HOLD_ANOTHER = frozenset([b"content-type", b"content-transfer-encoding", b"content-disposition"])
_TOKEN = re.compile(r"[^\s;]+")
# "filename_0_=": a program took what it did not know out of names (RFC 2231 4.1).
_STARS_LOST = re.compile(r"(?:file)?name_(?:\d{1,2}_)?")
_SEGMENT = re.compile(r"([^*]+)\*(?:(\d{1,4})(\*?))?")
_MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}")
_NAMES = ("name", "filename")
# As a web shop writes a name for an address (RFC 3986 2.1): no blank is left in it.
_PERCENT_ENCODED = re.compile(r"(?:[^\s%]|%[0-9A-Fa-f]{2})+")
_EXTENDED = re.compile(r"([\w-]{2,40})'[\w-]{0,20}'(?=[^']*%)", re.ASCII)
_MOST_WORDINGS = 3  # of a name that each program on its way encoded once more
# An encoded word of which a program kept only what may stand in a file name, or lost the first sign.
_WORD_IN_RAGS = re.compile(
    r"(?:(?<![=\w])=_|(?<!=)\?|\\=\\\?)((?:utf-8|iso-8859-\d{1,2}|windows-125\d))(?:_|\\?\?)([bq])(?:_|\\?\?)([^?]{1,400}?)"
    r"(?:_=|\?=|\\=?\\\?\\?=|\\\?\\=)",
    re.IGNORECASE,
)
# Quotes that were doubled, escaped or encoded, and what a list puts behind.
_AROUND = re.compile(r"\A(?:3D(?=\"))?(?:\\?\")*(.+?\.[A-Za-z]\w{1,4})(?:\\?[\";?])*\Z", re.DOTALL)
# What stands behind a semicolon in a name without quotes, up to an extension or the end of an encoded word.
_REST_OF_NAME = re.compile(r";[^=\"]{0,300}?(?:\.[A-Za-z]\w{1,4}\s*(?=;|\Z)|\?=)")
_ONE_QUOTE = re.compile(r"([\w-]{2,40})'", re.ASCII)
_UNICODE_ESCAPE = re.compile(r"\\u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
_JAVASCRIPT = re.compile(r"%u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)  # escape()
_TWICE = re.compile(r"[\u00c2-\u00c5\u00e2][\u0080-\u00bf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]")
_ONLY_LATIN = frozenset("\x81\x8d\x8f\x90\x9d")
_QUOTED_LETTER = re.compile(r"=[C-F][0-9A-F]=[89AB][0-9A-F]")
_QUOTED_BYTES = re.compile(r"(?:=[0-9A-F]{2})+")
_QUOTES = {"'": "'", "<": ">", "`": "`", "\u2018": "\u2019", "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb"}
_LONGEST_NAME = 1_000  # characters; of a longer one only beginning and end stay (zenvoices.lib.filenames)
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{2,6}|#x[0-9A-Fa-f]{2,5});")
_MOST_PARAMS = 500
_NOT_IN_A_NAME = re.compile(r"^x-|\([^)]*\)?|[^a-z0-9]")
_QUOTED, _BASE64 = ("quoted", "qp"), ("base64", "b64")
_LOOKED_FOR = frozenset(
    b"subject from to reply-to date message-id content-type content-disposition content-transfer-encoding content-id"
    b" content-description content-location content-name x-attachment-name x-file-name x-filename x-name"
    b" x-mozilla-external-attachment-url x-mozilla-cloud-part".split()
)
_NAME_HEADERS = ("content-name", "x-attachment-name", "x-file-name", "x-filename", "x-name")


@dataclass(slots=True)
class Head:
    """`fields` unfolded but with encoded words as they came; `body` is where the block's body starts.

    `mended`: it was broken, and is read as it was meant.
    `understood`: the type is what the header says, or what no header means.
    """

    body: int
    fields: list[tuple[str, str]] = field(default_factory=list)
    media: str = "text/plain"
    understood: bool = True
    mended: bool = False
    params: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    disposition_params: dict[str, str] = field(default_factory=dict)
    _first: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._index(self.fields)

    def add(self, fields: list[tuple[str, str]]) -> None:
        self.fields += fields
        self._index(fields)

    def _index(self, fields: list[tuple[str, str]]) -> None:
        for name, value in fields:
            self._first.setdefault(name.lower(), value)

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def get(self, name: str) -> str:
        """The first of that name, as the standard library has it; "" when there is none."""
        return self._first.get(name, "")

    @property
    def encoding(self) -> str:
        """As it is called, or would be if it were spelt right."""
        said = self.get("content-transfer-encoding").partition(";")[0].strip(' \t"').lower()
        letters = _NOT_IN_A_NAME.sub("", said)
        if letters.startswith(_QUOTED):
            return "quoted-printable"
        return "base64" if letters.startswith(_BASE64) else said

    @property
    def content_id(self) -> str:
        return self.get("content-id").strip(" \t<>")

    @property
    def charset(self) -> str:
        return self.params.get("charset", "").strip("'\"").partition(" ")[0]

    @property
    def elsewhere(self) -> str:
        """The address that Thunderbird put in the place of a file."""
        cloud = parse_value(self.get("x-mozilla-cloud-part"))[1].get("url", "")
        return self.get("x-mozilla-external-attachment-url").strip() or cloud

    @property
    def location(self) -> str:
        return self.get("content-location").strip(' \t<>"')

    @property
    def filename(self) -> str:
        """Where it belongs, else in the other header's parameter, or where a program of its own writes it."""
        named = self.disposition_params.get("filename") or self.params.get("name")
        named = named or self.disposition_params.get("name") or self.params.get("filename")
        named = named or next(filter(None, map(self.get, _NAME_HEADERS)), "").strip(' "') or self._named_again()
        if not named and extension(described := decode_words(self.get("content-description")).strip(' "')):
            named = described
        return meant_name(named)

    def _named_again(self) -> str:
        """In a header that stands there twice."""
        for name, value in self.fields:
            if name.lower() in ("content-disposition", "content-type"):
                params = parse_value(value)[1]
                if named := params.get("filename") or params.get("name"):
                    return named
        return ""


def parse_head(raw: Raw, start: int, end: int, budget: Budget, part_of: str = "") -> Head:
    """`part_of`: media type of the multipart this is in; then only the headers that matter to us are kept."""
    block, at, mended = _block(raw, start, end, in_part=bool(part_of))
    blank = _BLANK.match(raw, at, end)
    fields = list(_fields(block, budget, everything=not part_of))
    head = Head(blank.end() if blank else at, fields, mended=mended)
    if part_of == "multipart/digest":  # RFC 2046 5.1.5
        head.media = "message/rfc822"
    if not blank and at < end:
        budget.note("header_without_end")
    if blank:
        _take_rest(head, raw, at, end, budget, everything=not part_of)
    if head.mended:
        budget.note("header_repaired")
    if declared := head.get("content-type"):
        # A whole value in an encoded word (RFC 2047 5 forbids it): some mailers encode every header alike.
        head.media, head.params = parse_value(decode_words(declared) if declared.startswith("=?") else declared)
        if not _MEDIA.fullmatch(head.media):
            # RFC 2045 5.2: what cannot be understood is text/plain. But only a multipart has a boundary.
            head.media = "multipart/mixed" if head.params.get("boundary") else "text/plain"
            head.understood = False
    said = head.get("content-disposition")
    head.disposition, head.disposition_params = parse_value(decode_words(said) if said.startswith("=?") else said)
    return head


def _fields(block: bytes, budget: Budget, everything: bool) -> Iterator[tuple[str, str]]:
    limits, used = budget.limits, 0
    if block.count(b"\r") != block.count(b"\r\n"):
        block = _BARE_CR.sub(b"\n", block)
    for number, match in enumerate(_FIELD.finditer(block)):
        if number >= limits.header_fields:
            budget.note("headers_cut")
            return
        name, value = match[1], match[2]
        if name.lower() not in _LOOKED_FOR and (meant := _meant(name)):
            budget.note("header_repaired")
            name = meant
        if not everything and name.lower() not in _LOOKED_FOR:
            continue
        if len(value) > limits.header:
            budget.note("header_too_long")
            value = value[: limits.header]
        used += len(name) + len(value)
        if used > limits.header_block and name.lower() not in _LOOKED_FOR:
            budget.note("headers_cut")
            continue
        text = decode_text(value.replace(b"\r", b"").replace(b"\n", b""))
        value, *more = _ON_ONE_LINE.split(text.strip()) if name.lower() in _MAY_HOLD_ANOTHER else [text.strip()]
        yield name[:200].decode("ascii"), value
        for other in more:
            budget.note("header_repaired")
            glued, _, rest = other.partition(":")
            yield glued.strip(), rest.strip()


def _meant(name: bytes) -> bytes:
    """The header of an entity that is misspelt so; b"" of all other names."""
    letters = _NO_LETTERS.sub(b"", name.lower()) if name[:7].lower() == b"content" else b""
    return _MEANT.get(letters[7:], b"")


def _block(raw: Raw, start: int, end: int, *, in_part: bool = False) -> tuple[bytes, int, bool]:
    """The header block, where it ends, and whether a broken line in it was mended.

    One whose name can be guessed is read as that; another is joined to the line before, and is nothing when a part
    begins with it.
    """
    found, at = bytearray(), start
    for mends in range(_MOST_MENDS + 1):
        stop = _lines_end(raw, at, end)
        found += raw[at : min(stop, at + max(0, _LONGEST_BLOCK - len(found)))]
        if mends == _MOST_MENDS or _BLANK.match(raw, stop, end):
            return bytes(found), stop, bool(mends)
        if misspelt := _MISSPELT.match(raw, stop, end):
            found += _meant(b"content" + misspelt[1]) + b":" + misspelt[2]
            at = misspelt.end()
            continue
        broken = _BROKEN.match(raw, stop, end)
        if not broken or not (found or (in_part and _BEHIND.match(raw, broken.end(), end))):
            return bytes(found), stop, bool(mends)
        found += b" " + broken[0]
        at = broken.end()
    raise AssertionError("the last round returns")


def _lines_end(raw: Raw, at: int, end: int) -> int:
    """Where the header lines end that begin here."""
    while match := _BLOCK.match(raw, at, min(at + _WINDOW, end)):
        before, at = at, match.end()
        if at - before < _WINDOW // 2 or at == end:
            break
        give_back(raw, before, at)
        if raw[at - 1] != _LF:  # in the midst of a line
            line = search(_LINE_END, raw, at, end)
            at = line.end() if line else end
    return at


def _take_rest(head: Head, raw: Raw, at: int, end: int, budget: Budget, *, everything: bool) -> None:
    """Headers behind a blank line in their midst, when none of them was there before."""
    if head.get("content-type").lower().lstrip().startswith("message/"):
        return
    added: list[tuple[str, str]] = []
    names, body, entity = set[str](), 0, False
    for _ in range(_MOST_GAPS):  # each line end may be doubled
        blanks = _BLANKS.match(raw, at, end)
        if not blanks or not _A_FIELD.match(raw, blanks.end(), end):
            break
        block, at, _ = _block(raw, blanks.end(), end)
        blank = _BLANK.match(raw, at, end)
        more = list(_fields(block, budget, everything=everything))
        of_this = {name.lower() for name, _ in more}
        if not blank or of_this & names or any(name in head for name in of_this):
            break
        added, names = added + more, names | of_this
        if _BEHIND.match(raw, blanks.end(), end):
            entity = True
        if entity or of_this & _OF_A_MAIL:
            kept, body = len(added), blank.end()
    begins = "from" in names and len(names & _OF_A_MAIL) >= _ENOUGH and everything and "from" not in head
    if body and (entity or begins):
        head.add(added[:kept])
        head.body, head.mended = body, True


def parse_value(value: str) -> tuple[str, dict[str, str]]:
    """`token; name=value; ...` with RFC 2231 continuations and charsets; RFC 2047 in file names."""
    if not value:
        return "", {}
    params: dict[str, str] = {}
    segments: dict[str, dict[int, tuple[bool, str]]] = {}
    for match, quoted in islice(_params(value), _MOST_PARAMS):
        name = match[1].lower()
        name = name.replace("_", "*") if _STARS_LOST.fullmatch(name) else name
        text = match[3].strip() if quoted is None else quoted.replace("\\\\", "\\").replace('\\"', '"')
        if extended := _SEGMENT.fullmatch(name):
            number, star = extended[2], extended[3]
            part = segments.setdefault(extended[1], {})
            part.setdefault(int(number or 0), (number is None or bool(star), text))
        else:
            params.setdefault(name, _percent_decoded(decode_words(text)) if name in _NAMES else text)
    # RFC 2231 wins over a plain parameter of the same name, which is there for old readers (RFC 6266 4.3).
    joined = {name: _join_segments(part) for name, part in segments.items()}
    joined |= {name: _percent_decoded(joined[name]) for name in _NAMES if _is_plain(segments.get(name, {}))}
    params |= {name: value for name, value in joined.items() if value or name not in params}
    # A blank instead of a semicolon: seen in the wild, and easily told from a value.
    token = _TOKEN.match(value)
    return (token[0].lower() if token else ""), params


def _params(value: str) -> Iterator[tuple[re.Match[str], str | None]]:
    """Each parameter, and what stands between its quotes; quotes inside those belong to it."""
    at = 0
    while match := _PARAM.search(value, at):
        at, quoted = match.end(), match[2]
        if quoted is not None and not _AFTER_QUOTED.match(value, at):
            close = _END_OF_QUOTED.search(value, at)
            stop = close.start() if close else len(value)
            quoted, at = value[match.start(2) : stop], stop + 1
        elif rest := _rest_of_name(match, value, at):
            quoted, at = match[3] + rest[0], rest.end()
        yield match, quoted


def _rest_of_name(match: re.Match[str], value: str, at: int) -> re.Match[str] | None:
    """Of a name without quotes that has a semicolon in it."""
    if match[2] is not None or match[1].lower() not in _NAMES or extension(match[3].strip()):
        return None
    return _REST_OF_NAME.match(value, at)


def _join_segments(segments: dict[int, tuple[bool, str]]) -> str:
    charset, joined = "", ""
    for place, number in enumerate(sorted(segments)):
        encoded, text = segments[number]
        if place == 0 and encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        elif place == 0 and encoded and (said := _ONE_QUOTE.match(text)) and codec_of(said[1]):
            charset, text = said[1], text[said.end() :]
        joined += text if encoded else quote(text, safe="", errors="replace")
    return decode_words(decode_text(unquote_to_bytes(joined), charset))  # some cut an escape in two


def _is_plain(segments: dict[int, tuple[bool, str]]) -> bool:
    return bool(segments) and not any(encoded for encoded, _text in segments.values())


def name_of_entry(name: str) -> str:
    """As it is called in an archive, a message or a text, where a program may have left a header's or an address's."""
    return meant_name(_percent_decoded(name))


@lru_cache(maxsize=64)  # it is asked for several times in a mail
def meant_name(name: str) -> str:
    """Without the marks of another language in or around it: encoded words, quotes that are none in a header, entities
    of a page, escapes of JavaScript, UTF-8 that was taken for Windows-1252."""
    if len(name) > 4 * _LONGEST_NAME:
        return decode_words(name)
    for _ in range(_MOST_WORDINGS):
        if (decoded := decode_words(_WORD_IN_RAGS.sub(r"=?\1?\2?\3?=", name))) == name:
            break
        name = decoded
    if len(name) > _LONGEST_NAME:
        return name
    name = _AROUND.sub(r"\1", name)
    if _QUOTES.get(name[:1]) == name[-1:] and extension(name[1:-1]):
        name = name[1:-1]
    name = unescape(name) if _ENTITY.search(name) else name
    name = _UNICODE_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), name)
    return _in_utf8(_unquoted_name(name))


def _in_utf8(name: str) -> str:
    """Each of its letters was two or three in Windows-1252, or in Latin-1 where that has no letter."""
    if name.isascii() or not _TWICE.search(name):
        return name
    try:
        data = b"".join(one.encode("cp1252" if one not in _ONLY_LATIN else "latin-1") for one in name)
        return data.decode("utf-8")
    except UnicodeError:
        return name


def _unquoted_name(name: str) -> str:
    """Of quoted-printable that came without its encoded word: all that is no ASCII is an escape of UTF-8."""
    if not _QUOTED_LETTER.search(name) or not name.isascii():
        return name
    try:
        return _QUOTED_BYTES.sub(lambda run: bytes.fromhex(run[0].replace("=", "")).decode("utf-8"), name)
    except UnicodeError:
        return name


def _percent_decoded(name: str) -> str:
    """A name in which the star of RFC 2231 is missing. One that only has a "%" in it stays what it is."""
    if "%u" in name:
        name = _JAVASCRIPT.sub(lambda escape: chr(int(escape[1], 16)), name)
    said = _EXTENDED.match(name)
    charset, rest = (said[1], name[said.end() :]) if said and codec_of(said[1]) else ("", name)
    if "%" not in rest or len(rest) > 3 * _LONGEST_NAME or not _PERCENT_ENCODED.fullmatch(rest):
        return name
    data = unquote_to_bytes(rest)
    try:
        return data.decode(codec_of(charset or "utf-8") or "utf-8")
    except UnicodeError:  # of Windows when it has blanks besides: "10%afslag.pdf" has none
        return decode_text(data) if "%20" in rest else name
