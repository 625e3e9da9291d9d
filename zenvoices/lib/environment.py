"""Settings as the environment gives them. What makes no sense is gathered, so that all of it is told at once."""

from __future__ import annotations

import math
import os
import re
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE: Final = frozenset({"1", "true", "on", "ok", "y", "yes"})
_FALSE: Final = frozenset({"0", "false", "off", "n", "no"})
_DATABASES: Final = frozenset({"postgres", "postgresql", "psql", "pgsql", "sqlite"})
_LONGEST_SHOWN: Final = 24
#: share of its letters that a misspelt name has in common with the right one
_NEARLY: Final = 0.88
_OF_LIBRARIES: Final = ("AWS_", "OTEL_", "SENTRY_")
#: as an env file leaves it in a value, or in the place of one
_COMMENT: Final = re.compile(r"(^|\s)#(\s|$)")
_BUCKET: Final = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[^/?#@\s]+)*").fullmatch
_BROKER_OPTION: Final = re.compile(
    r"(ssl_cert_reqs=(none|optional|required)|ssl_check_hostname=(true|false)|ssl_(ca_certs|certfile|keyfile)=.+"
    r"|db=[0-9]+)",
    re.IGNORECASE,
).fullmatch
#: what an address may be given through; any other scheme of django-environ needs a library that is not here
_MAIL: Final = "smtp, smtp+tls, smtp+ssl, filemail or consolemail"
_REACHES_NOBODY: Final = ("consolemail", "memorymail", "dummymail")
_ENCODE: Final = (
    "In a password write %24 for $, %23 for #, %25 for %, %2F for /, %3A for :, %3F for ? and %40 for @ "
    "(compose takes the $ and what follows it out of .env)."
)
_MAIL_CURE: Final = "Write EMAIL_URL=smtp+tls://user:password@host:587, or filemail:///folder to keep mails as files."


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that cannot be used: what is wrong and what to do, never the value of a secret."""

    name: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.name} {self.what}. {self.cure}"


class SettingsProblem(ImproperlyConfigured):
    """Every setting that cannot be used."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"{len(problems)} of the portal's settings cannot be used:{lines}")


@contextmanager
def told_in_words(code: int) -> Iterator[None]:
    """A program that cannot start says why, without a trace, and ends with this code."""
    try:
        yield
    except SettingsProblem as problem:
        sys.stderr.write(f"{problem}\n")
        raise SystemExit(code) from None


class Environment(environ.FileAwareEnv):
    """An empty value is none. A value stands for itself: one that begins with $ names no other variable."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[Problem] = []
        #: names that the settings ask for
        self.known: set[str] = set()

    def wrong(self, name: str, what: str, cure: str) -> None:
        """One line for each: what is seen first says it."""
        if not self.is_wrong(name):
            self.problems.append(Problem(name, what, cure))

    def is_wrong(self, name: str) -> bool:
        return any(problem.name == name for problem in self.problems)

    def stop_if_wrong(self) -> None:
        if self.problems:
            raise SettingsProblem(self.problems)

    def misspelt(self) -> dict[str, str]:
        """Names in the environment that nobody asks for, with the setting that each nearly is."""
        found: dict[str, str] = {}
        for name in set(self.ENVIRON) - self.known - {f"{known}_FILE" for known in self.known}:
            near = get_close_matches(name.upper().removesuffix("_FILE"), self.known, 1, _NEARLY)
            if near and not name.startswith(_OF_LIBRARIES):
                found[name] = near[0]
        return found

    def get_value(self, var: str, cast: Any = None, default: Any = None, parse_default: bool = False) -> Any:
        """What str, bool and list ask. The default where nothing is given or what is given is wrong."""
        text = self.text(var)
        if not text:
            return default
        if isinstance(cast, list):
            return [_CASTS[cast[0]](self, var, part.strip(), 0) for part in text.split(",") if part.strip()]
        return _CASTS[list if cast is list else cast or str](self, var, text, default)

    def text(self, name: str) -> str:
        """Without the line's end that a file has; "" where there is none."""
        self.known.add(name)
        try:
            text = str(self.ENVIRON.get(name, "")).strip()
        except (OSError, UnicodeDecodeError) as problem:
            said = getattr(problem, "strerror", None) or "it is no text in UTF-8"
            cure = f"Give {name} itself, or the name of a file that this user may read."
            self.wrong(f"{name}_FILE", f"names a file that cannot be read: {said}", cure)
            return ""
        if os.environ.get(name, "").strip() and os.environ.get(f"{name}_FILE"):
            self.wrong(name, f"is given twice: by itself and by {name}_FILE", "Take one of the two away.")
        elif text and text[0] == text[-1] and text[0] in "\"'":
            self.wrong(name, "stands in quotes, which would be a part of it", "Take the quotes away.")
        elif _COMMENT.search(text):
            self.wrong(name, "has a comment behind it, which would be a part of it", "Put # on a line of its own.")
        else:
            return text
        return ""

    def whole(self, name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
        text = self.text(name)
        if not text or (re.fullmatch(r"[0-9][0-9_]*", text) and least <= int(text) <= most):
            return int(text or default)
        self.wrong(name, f"is {_shown(text)}", f"Write a whole number from {least} to {most}.")
        return default

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        text = self.text(name)
        try:
            number = float(text or default)
        except ValueError:
            number = math.nan
        if least <= number <= most:  # what is no number is not
            return number
        self.wrong(
            name, f"is {_shown(text)}", f"Write a number from {least:g} to {most:g}; decimals go behind a point."
        )
        return default

    def mailbox(self, name: str, default: str) -> str:
        """One address, with or without the name of whose it is."""
        text = self.text(name)
        if text and not re.fullmatch(r"((?:\"[^\"\r\n]*\"|[^<>@,;\"\r\n]*)<)?[^\s<>@,;\"]+@[^\s<>@,;\"]+(?(1)>)", text):
            self.wrong(name, f"is {_shown(text)}, which is no e-mail address", "Write one, as in portal@example.nl.")
        return text or default

    def hosts(self, name: str) -> list[str]:
        """As a request names them, without a port; .example.nl is that and all below."""
        hosts: list[str] = self.list(name, default=[])
        for host in hosts:
            if host != "*" and not _is_host(host.removeprefix(".").strip("[]")):
                self.wrong(name, f"has {_shown(host)}, which is no host", "Write hosts alone, separated by commas.")
        return hosts

    def day(self, name: str) -> date | None:
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            self.wrong(name, f"is {_shown(text)}, which is no day", "Write a day as 2027-03-31.")
            return None

    def web_address(self, name: str, default: str) -> str:
        """Without a final slash."""
        text = self.text(name) or default
        parts = _split(text)
        if parts is None or parts.scheme not in ("http", "https") or not _is_host(parts.hostname):
            missing = "does not begin with https:// or http://" if "://" not in text else "is no address of a website"
            self.wrong(name, missing, f"Write it whole, without quotes, as in {default}.")
            return default
        if parts.query or parts.fragment or parts.username:
            self.wrong(name, "has more than an address in it", f"Write scheme and host only, as in {default}.")
        return text.rstrip("/")

    def site(self, name: str, default: str) -> str:
        """Scheme, host and port as browsers write them: the pages lie at the root of it."""
        given = self.web_address(name, default)
        parts = urlsplit(given)
        # Django answers no host with a _ in it.
        if parts.path or "_" in parts.netloc:
            self.wrong(name, "has more than an address in it", f"Write scheme and host only, as in {default}.")
        usual = {"http": ":80", "https": ":443"}[parts.scheme]
        host = parts.netloc.lower().removesuffix(usual).removesuffix(":")
        return f"{parts.scheme}://{host}"

    def web_address_or_off(self, name: str, default: str) -> str:
        """ "" for the word "off"."""
        return "" if self.text(name) == "off" else self.web_address(name, default)

    def web_address_or_none(self, name: str) -> str:
        """ "" where nothing is given."""
        return self.web_address(name, "https://host") if self.text(name) else ""

    def sentry(self, name: str) -> str:
        """A DSN, as Sentry shows it for a project; the key in it may send, and nothing else."""
        text = self.text(name)
        parts = _split(text)
        fits = parts is not None and parts.scheme in ("http", "https") and parts.hostname and parts.username
        if text and not (fits and parts and parts.path.rpartition("/")[2].isdecimal()):
            self.wrong(name, "is no DSN of Sentry", "Write it as the project shows it: https://key@host/number.")
            return ""
        return text

    def http_headers(self, name: str) -> str:
        """As OpenTelemetry writes them: name=value, separated by commas. The values may be secret."""
        text = self.text(name)
        if any(not re.fullmatch(r"\s*[\w-]+\s*=.*", part) for part in text.split(",") if text):
            self.wrong(name, "has a part that is no header", "Write name=value, separated by commas.")
        return text

    def name_servers(self, name: str) -> list[str]:
        """IP addresses with a port."""
        servers: list[str] = self.list(name, default=[])
        for server in servers:
            address, _, port = server.rpartition(":")
            try:
                ip_address(address.strip("[]"))
                usable = 0 < int(port) < 65536
            except ValueError:
                usable = False
            if not usable:
                self.wrong(name, f"has {_shown(server)}, which is no name server", "Write each as 192.0.2.53:53.")
        return servers

    def host_port(self, name: str, default: str) -> str:
        text = self.text(name) or default
        host, _, port = text.rpartition(":")
        if not _is_host(host.strip("[]")) or not port.isdecimal() or not 0 < int(port) < 65536:
            self.wrong(name, "is no host with a port", f"Write it as {default}.")
            return default
        return text

    def authorities(self, name: str) -> str:
        """The name of a file with certificates."""
        text = self.text(name)
        try:
            if text:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
        except ssl.SSLError:
            self.wrong(name, "names a file without a certificate", "Give one with certificates in PEM.")
        except OSError as problem:
            said = f"names a file that cannot be read: {problem.strerror}"
            self.wrong(name, said, "Give one that this user may read.")
        return text

    def path(self, name: str, default: Path) -> Path:
        text = self.text(name)
        if text.startswith("~"):
            self.wrong(name, "begins with ~, which only a shell knows", "Write the whole path.")
            text = ""
        return Path(text or default)

    def storage(self, name: str, *words: str) -> str:
        """s3://bucket/prefix, without a final slash, or one of these words; "" where nothing is given."""
        text = self.text(name).rstrip("/")
        if text and text not in words and not _BUCKET(text):
            here = f"{words[0]} or nothing" if words else "nothing"
            self.wrong(
                name, "is no storage that the portal knows", f"Write s3://bucket/prefix, or {here} for DATA_DIR."
            )
            return ""
        return text

    def chosen(self, name: str, default: str, *words: str) -> str:
        text = self.text(name) or default
        if text not in words:
            self.wrong(name, f"is {_shown(text)}", f"Write one of {', '.join(words)}.")
            return default
        return text

    def database(self, name: str, default: str) -> dict[str, Any]:
        text = self.text(name)
        what = _wrong_with_database(text) if text else ""
        if what:
            self.wrong(
                name, what, f"Write postgres://user:password@host:5432/name, or sqlite:////folder/file. {_ENCODE}"
            )
        found: dict[str, Any] = self.db_url_config(default if what or not text else text)
        return found

    def broker(self, name: str) -> str:
        text = self.text(name)
        what = _wrong_with_broker(text) if text else ""
        if what:
            self.wrong(name, what, f"Write redis://:password@host:6379/0 or unix:///path. {_ENCODE}")
        return "" if what else text

    def mail(self, name: str, default: str, *, must_reach: bool) -> dict[str, Any]:
        """`must_reach`: a way that keeps mails to itself, or none at all, will not do."""
        text = self.text(name)
        what = _wrong_with_mail(text) if text else ""
        if what:
            self.wrong(name, what, f"{_MAIL_CURE} {_ENCODE}")
        elif must_reach and not text:
            self.wrong(name, "is not set: invitations and notices would reach nobody", _MAIL_CURE)
        elif must_reach and text.startswith(_REACHES_NOBODY):
            self.wrong(name, "sends mail to nobody", _MAIL_CURE)
        found: dict[str, Any] = self.email_url_config(default if what or not text else text)
        return found


def _split(text: str) -> SplitResult | None:
    """None for what no address can be: a port that is no number, a bracket too many."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_host(host: str | None) -> bool:
    """A name as it stands in a request, or an IP address."""
    try:
        return bool(
            re.fullmatch(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", host or "", re.IGNORECASE) or ip_address(host or "")
        )
    except ValueError:
        return False


def _wrong_with_broker(text: str) -> str:
    parts = _split(text)
    if parts is None or "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        return "cannot be read as an address"
    if parts.scheme not in ("redis", "rediss", "unix"):
        return "is no address of a Redis or Valkey"
    if parts.scheme == "unix":
        return "" if parts.path and not parts.hostname else "names no socket: a path begins with three slashes"
    if not _is_host(parts.hostname):
        return "is no address of a Redis or Valkey"
    if parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        return "has something else than the number of a database behind the host"
    # Anything else the library would choke on at each use, or pass over in silence.
    unknown = [
        key for key, value in parse_qsl(parts.query, keep_blank_values=True) if not _BROKER_OPTION(f"{key}={value}")
    ]
    return f"has an option that it does not know: {unknown[0]}" if unknown else ""


def _wrong_with_mail(text: str) -> str:
    parts = _split(text)
    if parts is None or "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        return "cannot be read as an address"
    if parts.scheme not in Environment.EMAIL_SCHEMES:
        return f"begins with none of {_MAIL}"
    if not parts.scheme.startswith("smtp"):
        return "names no folder: a path begins with three slashes" if parts.netloc else ""
    if parts.path.strip("/") or parts.query:
        return "has more than user, password, host and port in it"
    if not _is_host(parts.hostname):
        return "names no mail server"
    if bool(parts.username) != bool(parts.password):
        return "has only one of user and password; a $ in it was eaten, as a rule"
    return ""


def _wrong_with_database(text: str) -> str:
    parts = _split(text)
    if parts is None or "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        return "cannot be read as an address"
    if parts.scheme not in _DATABASES:  # before django-environ sees it, which warns with all that is in it
        return "names no PostgreSQL and no SQLite"
    if parts.scheme == "sqlite":
        return _wrong_with_file(parts)
    try:
        config = Environment.db_url_config(text)
    except (ValueError, KeyError, ImproperlyConfigured):
        return "cannot be read as an address"
    if not config["NAME"]:
        return "names no database after the host"
    return ""


def _wrong_with_file(parts: SplitResult) -> str:
    file = Path(unquote(parts.path)[1:])
    if parts.netloc or not parts.path.strip("/"):
        return "names no file: a path begins with three slashes, and one from the root with four"
    if str(file) == ":memory:":
        return "keeps nothing"
    if not file.absolute().parent.is_dir():
        return "names a file in a folder that is not there"
    return "names a folder" if file.is_dir() else ""


def _shown(text: str) -> str:
    """A short value, that a person sees which line is meant; a long one may be a secret that came into the wrong."""
    return repr(text) if len(text) <= _LONGEST_SHOWN else "something else"


def _whole(env: Environment, name: str, text: str, default: Any) -> int:
    if re.fullmatch(r"[0-9]{1,3}", text):
        return int(text)
    env.wrong(name, f"is {_shown(text)}", "Write whole numbers, separated by commas.")
    return int(default)


def _truth(env: Environment, name: str, text: str, default: Any) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    env.wrong(name, f"is {_shown(text)}", "Write true or false.")
    return bool(default)


def _words(env: Environment, name: str, text: str, default: Any) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _text(env: Environment, name: str, text: str, default: Any) -> str:
    return text


_CASTS: Final[dict[Any, Callable[[Environment, str, str, Any], Any]]] = {
    str: _text,
    bool: _truth,
    int: _whole,
    list: _words,
}
