"""The bytes of an XML as the text that was meant: what stands around it, and what its declaration says, are not
believed over the bytes."""

from __future__ import annotations

import codecs
import html
import re
from xml.sax.saxutils import escape

ENCODING_GUESSED = "encoding_guessed"
XML_REPAIRED = "xml_repaired"
DEFECTS = frozenset([ENCODING_GUESSED, XML_REPAIRED])
_BLANKS = "\ufeff\0 \t\r\n\x1a"
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,300}\?>")
_ENCODING = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
#: where an XML begins that has other text before it
_BEGINNING = re.compile(
    r"<\?xml\s|<(?:[\w.-]{1,40}:)?(?:Invoice|CreditNote|CrossIndustryInvoice|StandardBusinessDocument)[\s>]"
)
_AROUND = 20_000
#: characters that XML 1.0 (2.2) does not know, written out or as a reference
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|"
                        r"x0*(?:[0-8bcBCefEF]|1[0-9a-fA-F]));")  # fmt: skip
#: a sign of markup that stands for itself; CDATA and comments are passed over, also one without an end: of thousands
#: of them each would else be looked behind to the end
_LOOSE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)|<(?=[\s\d=])", re.S
)
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z]{2,30};")


def begins_as_xml(data: bytes) -> bool:
    return data[:1024].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<")


def text_of(data: bytes) -> tuple[str, tuple[str, ...]]:
    """From the first sign of the XML on, without a declaration; and what had to be guessed."""
    text, guessed = _decoded(data)
    text = text.lstrip(_BLANKS)
    if not text.startswith("<"):
        begins = _BEGINNING.search(text, 0, _AROUND)
        text = text[begins.start() :] if begins else text[text.find("<") :] if "<" in text else ""
    declaration = _DECLARATION.match(text)
    return text[declaration.end() if declaration else 0 :].lstrip(_BLANKS), (ENCODING_GUESSED,) if guessed else ()


def repaired(text: str) -> str:
    """Without what makes a strict parser give up although its meaning is plain."""
    text = _DECLARATION.sub("", _FORBIDDEN.sub("", text))  # an envelope may hold a second declaration
    text = _NAMED.sub(lambda named: escape(html.unescape(named[0])), text)  # entities of HTML, which XML has not
    return _LOOSE.sub(_escaped, text)


def _escaped(loose: re.Match[str]) -> str:
    return {"&": "&amp;", "<": "&lt;"}.get(loose[0], loose[0])


def _decoded(data: bytes) -> tuple[str, bool]:
    """True when the encoding was guessed. UTF-8 says so itself: hardly another text is valid UTF-8 by chance."""
    at = data.find(b"<")
    if at < 0:
        return "", False
    if data[at + 1 : at + 2] == b"\0" == data[at + 3 : at + 4]:  # of two bytes the even ones come first
        return data[at - at % 2 :].decode("utf-16-be" if at % 2 else "utf-16-le", "replace"), False
    data = data[at : data.rfind(b">") + 1]  # what stands around it may be encoded otherwise
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        pass
    if codec := _declared(data):
        return data.decode(codec, "replace"), False
    return data.decode("utf-8", _WINDOWS), True


def _declared(data: bytes) -> str:
    """An encoding other than Unicode's that is declared and that we know; as browsers do, Latin-1 is Windows-1252."""
    declared = _ENCODING.search(data[:1024])
    try:
        name = codecs.lookup(declared[1].decode()).name if declared else ""
    except LookupError:
        return ""
    if name.startswith("utf") or not getattr(codecs.lookup(name or "utf-8"), "_is_text_encoding", False):
        return ""
    return "windows-1252" if name in ("iso8859-1", "ascii") else name


def _stray(problem: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 amid text that is: those of Windows."""
    assert isinstance(problem, UnicodeDecodeError)  # noqa: S101 (it is registered for decoding alone)
    return problem.object[problem.start : problem.end].decode("windows-1252", "replace"), problem.end


_WINDOWS = "einvoice-windows"
codecs.register_error(_WINDOWS, _stray)
