"""Settings as the environment gives them. What makes no sense is gathered, so that all of it is told at once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE: Final = frozenset({"1", "true", "on", "ok", "y", "yes"})
_FALSE: Final = frozenset({"0", "false", "off", "n", "no"})
_DATABASES: Final = frozenset({"postgres", "postgresql", "psql", "pgsql", "sqlite"})
_LONGEST_SHOWN: Final = 24
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


class Environment(environ.FileAwareEnv):
    """An empty value is none. A value stands for itself: one that begins with $ names no other variable."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[Problem] = []

    def wrong(self, name: str, what: str, cure: str) -> None:
        self.problems.append(Problem(name, what, cure))

    def is_wrong(self, name: str) -> bool:
        return any(problem.name == name for problem in self.problems)

    def stop_if_wrong(self) -> None:
        if self.problems:
            raise SettingsProblem(self.problems)

    def get_value(self, var: str, cast: Any = None, default: Any = None, parse_default: bool = False) -> Any:
        """What str, bool, int, float and list ask. The default where nothing is given or what is given is wrong."""
        text = self.text(var)
        if not text:
            return default
        if isinstance(cast, list):
            return [_CASTS[cast[0]](self, var, part.strip(), 0) for part in text.split(",") if part.strip()]
        return _CASTS[list if cast is list else cast or str](self, var, text, default)

    def text(self, name: str) -> str:
        """Without the line's end that a file has; "" where there is none."""
        try:
            return str(self.ENVIRON.get(name, "")).strip()
        except (OSError, UnicodeDecodeError) as problem:
            said = getattr(problem, "strerror", None) or "it is no text in UTF-8"
            cure = f"Give {name} itself, or the name of a file that this user may read."
            self.wrong(f"{name}_FILE", f"names a file that cannot be read: {said}", cure)
            return ""

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
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            missing = "does not begin with https:// or http://" if "://" not in text else "is no address of a website"
            self.wrong(name, missing, f"Write it whole, without quotes, as in {default}.")
            return default
        if parts.query or parts.fragment or parts.username:
            self.wrong(name, "has more than an address in it", f"Write scheme and host only, as in {default}.")
        return text.rstrip("/")

    def web_address_or_off(self, name: str, default: str) -> str:
        """ "" for the word "off"."""
        return "" if self.text(name) == "off" else self.web_address(name, default)

    def web_address_or_none(self, name: str) -> str:
        """ "" where nothing is given."""
        return self.web_address(name, "https://host:4318") if self.text(name) else ""

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
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            self.wrong(name, "is no host with a port", f"Write it as {default}.")
            return default
        return text

    def file(self, name: str) -> str:
        """The name of a file that can be read."""
        text = self.text(name)
        try:
            if text:
                Path(text).open("rb").close()
        except OSError as problem:
            self.wrong(
                name, f"names a file that cannot be read: {problem.strerror}", "Give one that this user may read."
            )
        return text

    def chosen(self, name: str, default: str, *words: str) -> str:
        text = self.text(name) or default
        if text not in words:
            self.wrong(name, f"is {_shown(text)}", f"Write one of {', '.join(words)}.")
            return default
        return text

    def database(self, name: str, default: str) -> dict[str, Any]:
        text = self.text(name) or default
        what = _wrong_with_database(text)
        if what:
            self.wrong(
                name, what, f"Write postgres://user:password@host:5432/name, or sqlite:////folder/file. {_ENCODE}"
            )
        found: dict[str, Any] = self.db_url_config(default if what else text)
        return found

    def broker(self, name: str) -> str:
        text = self.text(name)
        parts = _split(text)
        fits = parts is not None and (
            (parts.scheme in ("redis", "rediss") and bool(parts.hostname))
            or (parts.scheme == "unix" and bool(parts.path))
        )
        if text and not fits:
            self.wrong(name, "is no address of a Redis or Valkey", "Write redis://host:6379/0 or unix:///path.")
            return ""
        return text

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


def _wrong_with_mail(text: str) -> str:
    parts = _split(text)
    if parts is None or "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        return "cannot be read as an address"
    if parts.scheme not in Environment.EMAIL_SCHEMES:
        return f"begins with none of {_MAIL}"
    if not parts.scheme.startswith("smtp"):
        return ""
    if not parts.hostname:
        return "names no mail server"
    if bool(parts.username) != bool(parts.password):
        return "has only one of user and password; a $ in it was eaten, as a rule"
    return ""


def _wrong_with_database(text: str) -> str:
    try:
        config = Environment.db_url_config(text)
        parts = urlsplit(text)
    except (ValueError, KeyError, ImproperlyConfigured):
        return "cannot be read as an address"
    if "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        return "cannot be read as an address"
    if parts.scheme not in _DATABASES:
        return "names no PostgreSQL and no SQLite"
    if not config["NAME"]:
        return "names no database after the host"
    if parts.scheme == "sqlite" and not Path(config["NAME"]).absolute().parent.is_dir():
        return "names a file in a folder that is not there"
    return ""


def _shown(text: str) -> str:
    """A short value, that a person sees which line is meant; a long one may be a secret that came into the wrong."""
    return repr(text) if len(text) <= _LONGEST_SHOWN else "something else"


def _whole(env: Environment, name: str, text: str, default: Any) -> int:
    if re.fullmatch(r"[0-9][0-9_]*", text) and (int(text) or not default):
        return int(text)
    env.wrong(name, f"is {_shown(text)}", f"Write a whole number{', more than 0' if default else ''}.")
    return int(default)


def _decimal(env: Environment, name: str, text: str, default: Any) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and number >= 0:
        return number
    env.wrong(name, f"is {_shown(text)}", "Write a number, with a point before its decimals.")
    return float(default)


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
    float: _decimal,
    list: _words,
}
