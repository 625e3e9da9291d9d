"""Domains of mail addresses: whose they are, and which look alike.

No list of public suffixes: where one is missing, two owners under it count as one, and nothing is said of them.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

#: what stands before the two letters of a country and is no owner's name: example.co.uk
_SECOND_LEVELS = frozenset([
    "ac", "co", "com", "edu", "gov", "gob", "go", "mil", "ne", "net", "nom", "or", "org", "ltd", "plc", "me",
    "sch",
])  # fmt: skip
#: companies have their name in several of these, and some differ by one letter
_NEIGHBOURS = frozenset([
    "at", "be", "bg", "ch", "cy", "cz", "de", "dk", "ee", "es", "eu", "fi", "fr", "gr", "hr", "hu", "ie", "it",
    "li", "lt", "lu", "lv", "mt", "nl", "no", "pl", "pt", "ro", "se", "si", "sk", "uk",
])  # fmt: skip
#: one owner, several names (seen in the Received lines of Microsoft 365)
_SAME_OWNER = {"office365.com": "outlook.com", "exchangelabs.com": "outlook.com"}
_NOT_PUBLIC = frozenset(["internal", "local", "localdomain", "lan", "localhost", "[127.0.0.1]", "[::1]"])
#: where many people have an address that have nothing to do with each other
_PUBLIC_PROVIDERS = frozenset([
    "gmail.com", "googlemail.com", "outlook.com", "outlook.nl", "hotmail.com", "hotmail.nl", "live.com",
    "live.nl", "msn.com", "icloud.com", "me.com", "mac.com", "yahoo.com", "yahoo.nl", "aol.com", "gmx.net",
    "gmx.de", "gmx.com", "web.de", "t-online.de", "proton.me", "protonmail.com", "pm.me", "ziggo.nl",
    "kpnmail.nl", "planet.nl", "hetnet.nl", "home.nl", "xs4all.nl", "upcmail.nl", "quicknet.nl", "casema.nl",
    "chello.nl", "telfort.nl", "tele2.nl", "zonnet.nl", "wxs.nl", "solcon.nl", "caiway.nl", "versatel.nl",
    "zeelandnet.nl", "online.nl", "telenet.be", "skynet.be", "proximus.be", "scarlet.be", "orange.fr",
    "wanadoo.fr", "free.fr", "laposte.net", "tutanota.com", "zoho.com", "mail.com",
])  # fmt: skip
#: Cyrillic, Greek and other letters that look like a Latin one, and digits that do
_ALIKE = (
    "аa вb сc ԁd еe ґr гr һh нh іi ıi ɩi јj кk ӏl łl мm пn оo øo рp ԛq ѕs тt"
    " цu ѵv ԝw ѡw хx уy αa βb γy ηn ιi κk νv οo ρp σo τt υu ωw ɑa ɡg đd 0o 1l"
)
_LOOKS_LIKE = str.maketrans({pair[0]: pair[1] for pair in _ALIKE.split()})
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SHORTEST = 5
LONGEST_KEY = 250


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].strip(" .>").casefold()


def owned(host: str) -> str:
    """The name that somebody registered: mail.example.co.uk -> example.co.uk. "" for what is nobody's."""
    labels = host.casefold().strip(".").split(".")
    is_named = labels[-1].isalpha() or labels[-1].startswith("xn--")
    if len(labels) < 2 or not is_named or is_inside(host):
        return ""
    several = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    name = ".".join(labels[-3 if several else -2 :])
    return _SAME_OWNER.get(name, name)


def is_inside(host: str) -> bool:
    """A name that only its own network knows."""
    return host.casefold().strip(".").rpartition(".")[2] in _NOT_PUBLIC or host in _NOT_PUBLIC


def sender_key(address: str) -> str:
    """Who sends: the registered domain, or the whole address where many strangers share one. "" for no address."""
    name = owned(domain_of(address))
    return (address.casefold() if name in _PUBLIC_PROVIDERS else name)[:LONGEST_KEY]


def is_personal(key: str) -> bool:
    return "@" in key


def same_name(one: str, other: str) -> bool:
    """example.nl and example.com."""
    return one.partition(".")[0] == other.partition(".")[0]


def look_alike(one: str, other: str) -> bool:
    """Two registered domains that differ, and look the same or are one typing error apart."""
    first, second = _seen(one), _seen(other)
    if _differ_at_a_glance(first, second) or one == other:
        return False
    if same_name(one, other) and {_ending(one), _ending(other)} <= _NEIGHBOURS:
        return False
    if first == second:
        return True
    long_enough = min(len(one.partition(".")[0]), len(other.partition(".")[0])) >= _SHORTEST
    return long_enough and one_edit_apart(first, second)


def skeleton(text: str) -> str:
    """As it looks: letters of other alphabets, accents and digits as the Latin letter that people see."""
    bare = unicodedata.normalize("NFKD", text.casefold()).translate(_LOOKS_LIKE)
    return "".join(sign for sign in bare if not unicodedata.combining(sign))


def one_edit_apart(one: str, other: str) -> bool:
    """One letter more, less, another, or two that changed places."""
    if len(one) > len(other):
        one, other = other, one
    if one == other or len(other) - len(one) > 1:
        return False
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or one[at + 1 :] == other[at + 1 :]


def _differ_at_a_glance(one: str, other: str) -> bool:
    """Of thousands of pairs all but a few: one edit leaves the beginning or the end as it was."""
    if abs(len(one) - len(other)) > 1:
        return True
    half = (min(len(one), len(other)) - 2) // 2
    return half > 0 and one[:half] != other[:half] and one[-half:] != other[-half:]


@lru_cache(maxsize=8192)
def _seen(domain: str) -> str:
    found = skeleton(".".join(map(_unicode, domain.split("."))))
    for pair, letter in _PAIRS:
        found = found.replace(pair, letter)
    return found


def _unicode(label: str) -> str:
    if not label.startswith("xn--") or len(label) > 63:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label


def _ending(domain: str) -> str:
    return domain.rpartition(".")[2]
