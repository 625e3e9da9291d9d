"""The header block of a mail or part, with caps.

Own code beside the standard library's, because that has no caps (40,000 addresses cost it 9 s, 500 nested
comments its stack) and reads raw 8-bit headers as unknown. tests/channels/test_extract_properties.py holds
the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote_to_bytes

from channels.extract.limits import Budget
from channels.extract.model import Raw
from channels.extract.words import decode_text, decode_words

# Like email.feedparser, a block ends at the first line that is no header, blank or not. Unlike it we allow
# blanks before the colon (RFC 5322 4.5) and any number of CRs before the LF. A bare CR ends a field, not the block.
_BLOCK = re.compile(rb"(?:(?:>?From |[!-9;-~]*[ \t]*:|[ \t])[^\n]*(?:\n|\Z))*+")
_BLANK = re.compile(rb"\r*\n")
_BARE_CR = re.compile(rb"\r+(?=[^\r\n])")
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*+)", re.MULTILINE)
_PARAM = re.compile(r'[;\s]\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*))', re.DOTALL)
_TOKEN = re.compile(r"[^\s;]+")
_SEGMENT = re.compile(r"([^*]+)\*(?:(\d{1,4})(\*?))?")
_MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}")
_NAMES = ("name", "filename")
_MOST_PARAMS = 500
_LOOKED_FOR = frozenset(
    b"subject from to date message-id content-type content-disposition content-transfer-encoding content-id".split()
)


@dataclass(slots=True)
class Head:
    """`fields` unfolded but with encoded words as they came; `body` is where the block's body starts.

    `understood`: the type is what the header says, or what no header means.
    """

    body: int
    fields: list[tuple[str, str]] = field(default_factory=list)
    media: str = "text/plain"
    understood: bool = True
    params: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    disposition_params: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The first of that name, as the standard library has it; "" when there is none."""
        return next((value for key, value in self.fields if key.lower() == name), "")

    @property
    def encoding(self) -> str:
        return self.get("content-transfer-encoding").partition(";")[0].strip(' \t"').lower()

    @property
    def content_id(self) -> str:
        return self.get("content-id").strip(" \t<>")

    @property
    def charset(self) -> str:
        return self.params.get("charset", "").strip("'\"").partition(" ")[0]

    @property
    def filename(self) -> str:
        return self.disposition_params.get("filename") or self.params.get("name", "")


def parse_head(raw: Raw, start: int, end: int, budget: Budget, part_of: str = "") -> Head:
    """`part_of`: media type of the multipart this is in; then only the headers that matter to us are kept."""
    block = _BLOCK.match(raw, start, end)
    stop = block.end() if block else start
    blank = _BLANK.match(raw, stop, end)
    head = Head(body=blank.end() if blank else stop)
    if part_of == "multipart/digest":  # RFC 2046 5.1.5
        head.media = "message/rfc822"
    if not blank and stop < end:
        budget.note("header_without_end")
    head.fields = list(_fields(bytes(raw[start:stop]), budget, everything=not part_of))
    if declared := head.get("content-type"):
        head.media, head.params = parse_value(declared)
        if not _MEDIA.fullmatch(head.media):
            # RFC 2045 5.2: what cannot be understood is text/plain. But only a multipart has a boundary.
            head.media = "multipart/mixed" if head.params.get("boundary") else "text/plain"
            head.understood = False
    head.disposition, head.disposition_params = parse_value(head.get("content-disposition"))
    return head


def _fields(block: bytes, budget: Budget, everything: bool) -> Iterator[tuple[str, str]]:
    limits, used = budget.limits, 0
    for number, match in enumerate(_FIELD.finditer(_BARE_CR.sub(b"\n", block) if b"\r" in block else block)):
        name, value = match[1], match[2]
        if number >= limits.header_fields:
            budget.note("headers_cut")
            return
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
        yield name[:200].decode("ascii"), text.strip()


def parse_value(value: str) -> tuple[str, dict[str, str]]:
    """`token; name=value; ...` with RFC 2231 continuations and charsets; RFC 2047 in file names."""
    params: dict[str, str] = {}
    segments: dict[str, dict[int, tuple[bool, str]]] = {}
    for match in islice(_PARAM.finditer(value), _MOST_PARAMS):
        name = match[1].lower()
        quoted = match[2]
        text = match[3].strip() if quoted is None else quoted.replace("\\\\", "\\").replace('\\"', '"')
        if extended := _SEGMENT.fullmatch(name):
            number, star = extended[2], extended[3]
            part = segments.setdefault(extended[1], {})
            part.setdefault(int(number or 0), (number is None or bool(star), text))
        else:
            params.setdefault(name, decode_words(text) if name in _NAMES else text)
    # RFC 2231 wins over a plain parameter of the same name, which is there for old readers (RFC 6266 4.3).
    params |= {name: _join_segments(part) for name, part in segments.items()}
    # A blank instead of a semicolon: seen in the wild, and easily told from a value.
    token = _TOKEN.match(value)
    return (token[0].lower() if token else ""), params


def _join_segments(segments: dict[int, tuple[bool, str]]) -> str:
    charset, data = "", b""
    for place, number in enumerate(sorted(segments)):
        encoded, text = segments[number]
        if place == 0 and encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace")
    return decode_words(decode_text(data, charset))
