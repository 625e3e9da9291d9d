"""Bytes of unknown or wrong charsets to text, and RFC 2047 encoded words."""

from __future__ import annotations

import binascii
import codecs
import re
from encodings.aliases import aliases
from functools import lru_cache

# Looking names up in this table, not with codecs.lookup(), keeps a sender from filling its cache and from the
# codecs that have no alias, some of which raise or take quadratic time (idna, punycode, unicode_escape).
_NOT_TEXT = frozenset(
    ["base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"]
)
_CODECS = {name: codec for name, codec in aliases.items() if codec not in _NOT_TEXT}
_CODECS |= {codec: codec for codec in (*_CODECS.values(), "utf_8_sig", "koi8_u", "cp720", "cp737", "cp874")}
_CODECS |= {"koi8u": "koi8_u"}
# Declared so by programs that mean what grew out of it, their Windows code page mostly; also what browsers do.
_MEANT = {
    "latin_1": "cp1252", "iso8859_9": "cp1254", "iso8859_11": "cp874", "tis_620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932",
}  # fmt: skip
_CODECS = {name: _MEANT.get(codec, codec) for name, codec in _CODECS.items()}
_GUESS = frozenset(["", "ascii", "utf_8"])
# In which no text looks like ASCII; of what does, the charset is only called so.
_NEVER_ASCII = frozenset(
    [*("utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"), *("cp037", "cp273", "cp500", "cp1140")]
)
_WESTERN = frozenset(["cp1252", "iso8859_15"])  # what is valid UTF-8 all the same says nothing sensible in these
# A code page by the name of whoever made it: "windows-874", "Win-1250", "dos-850".
_CODE_PAGE = re.compile(r"(?:windows|win|ms|ansi|dos|ibm|cp)_?(\d{3,4})")
_DIRECTION = re.compile(r"(?<=8859_[68])_[ei]\Z")  # RFC 1556: how the letters are laid out, not which they are

_ASCII = bytes(range(128))
_NOT_BASE64 = re.sub(rb"[A-Za-z0-9+/]", b"", bytes(range(256)))

_META = re.compile(rb"<meta\b[^<>]{0,300}?\bcharset\s{0,9}=\s{0,9}[\"']?([\w-]{1,40})", re.IGNORECASE)
_SHORTEST_WIDE = 8  # bytes
_REMEMBERED = 500  # characters: subjects, senders and file names are asked for several times in a mail
# The last may be cut off: programs shorten a name without knowing what it is.
_WORD = re.compile(r"=\?([^?\s*]{0,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)(?:\?=|\??\Z)")
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f\ud800-\udfff]+")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")


def codec_of(charset: str) -> str | None:
    """Python's codec for a charset name; None when there is none we want."""
    return _codec_of(charset[:60])


@lru_cache(maxsize=256)
def _codec_of(charset: str) -> str | None:
    name = re.sub(r"[^a-z0-9]+", "_", charset.lower()).strip("_")
    plain = _DIRECTION.sub("", name.removeprefix("x_"))
    page = _CODE_PAGE.fullmatch(plain)
    names = (name, plain, name.replace("_", ""), f"cp{page[1]}" if page else "")
    return next(filter(None, map(_CODECS.get, names)), None)


def decode_text(data: bytes, charset: str = "") -> str:
    """As declared; what claims to be ASCII or UTF-8, or nothing, is Windows-1252 unless it is valid UTF-8."""
    if not charset and data.isascii() and b"\0" not in data:  # most headers
        return data.decode("ascii")
    codec = _wide(data) or codec_of(charset) or ""
    if codec in _NEVER_ASCII and data.isascii() and b"\0" not in data:
        codec = "ascii"
    if codec not in _GUESS and not (codec in _WESTERN and is_utf8(data)):
        try:
            return data.decode(codec, "replace")
        except UnicodeError:  # some codecs raise whatever the error handler
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # A gateway's footer in another charset does not make the text before it another charset's.
        valid = data.decode("utf-8", "ignore")
        ascii_size = len(data) - len(data.translate(None, delete=_ASCII))
        letters, strays = len(valid) - ascii_size, len(data) - len(valid.encode())
        return data.decode("utf-8", "windows") if letters >= strays else data.decode("cp1252", "replace")


def is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _wide(data: bytes) -> str:
    """UTF-16, by its mark or its NULs, whatever it is called; "" for all other text."""
    start = data[:512]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf_16"
    if start.count(0) * 3 < len(start) or len(start) < _SHORTEST_WIDE:
        return ""
    return "utf_16_le" if start[1::2].count(0) > start[::2].count(0) else "utf_16_be"


def charset_of_page(data: bytes) -> str:
    """What HTML says of itself; "" when it is UTF-8 all the same: who converts a page leaves that line as it was."""
    said = _META.search(data[:2048])
    if not said or said[1].lower().startswith(b"utf"):
        return ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return said[1].decode("ascii", "replace")
    return ""


def _as_windows(problem: UnicodeError) -> tuple[str, int]:
    """Error handler: bytes that are not UTF-8 as Windows-1252."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return problem.object[problem.start : problem.end].decode("cp1252", "replace"), problem.end


codecs.register_error("windows", _as_windows)


def cut_bytes(data: bytes, limit: int) -> bytes:
    """No more than `limit`, and not in the middle of a UTF-8 character."""
    end = limit
    while limit < len(data) and end > limit - 3 and data[end] & 0xC0 == 0x80:
        end -= 1
    return data[:end]


def decode_words(value: str) -> str:
    """RFC 2047. Neighbours of one charset are joined before decoding: senders cut characters in two."""
    if "=?" not in value:
        return value
    return _lately_decoded(value) if len(value) <= _REMEMBERED else _decoded(value)


def _decoded(value: str) -> str:
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for match in _WORD.finditer(value):
        gap = value[end : match.start()]
        adjoining = bool(charset) and not gap.strip()
        if not adjoining or match[1].lower() != charset:
            out.append(decode_text(pending, charset))
            pending = b""
            out.append("" if adjoining else gap)
        charset, end = match[1].lower(), match.end()
        pending += _word_bytes(match[2], match[3])
    out.append(decode_text(pending, charset))
    out.append(value[end:])
    return "".join(out)


_lately_decoded = lru_cache(maxsize=64)(_decoded)


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    data = data.translate(None, delete=_NOT_BASE64)
    data = data[:-1] if len(data) % 4 == 1 else data
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def storable(text: str) -> str:
    """Without what a database refuses or a terminal obeys; line ends and tabs stay."""
    return text if text.isprintable() else _UNSTORABLE.sub("", text)


def one_line(value: str, limit: int) -> str:
    """For display: no control, bidi or line-breaking characters, no more than `limit` characters."""
    value = value[: 4 * limit]
    if not value.isprintable():
        value = _UNSAFE.sub(" ", value)
    return " ".join(value.split())[:limit]
