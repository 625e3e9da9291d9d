"""A real Dovecot for tests: its own directory, its own loopback ports, stopped by its own process id.

    with Dovecot(directory, certificates.good) as dovecot:
        dovecot.add_user("jan", "geheim")
        dovecot.deliver("jan", b"Subject: hi\\r\\n\\r\\nhello\\r\\n")
        dovecot.ports.imaps

Runs as root (the server then drops to nobody) or as an ordinary user. With an `introspection` it also takes tokens
(XOAUTH2, OAUTHBEARER) and asks there, at each sign-in, whose they are and whether they open this protocol.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Self

from tests.servers.certificates import Certificate

CONFIGURATION = """\
{dialect}
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
mail_max_userip_connections = 0
pop3_uidl_format = {uidl_format}
namespace inbox {{
  inbox = yes
  separator = /
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {ports.pop3}
  }}
  inet_listener pop3s {{
    port = {ports.pop3s}
    ssl = yes
  }}
}}
{extra}
"""

DOVECOT_2_3 = """\
mail_location = maildir:{directory}/mail/%u
ssl = required
ssl_cert = <{chain}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {directory}/users/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={directory}/home/%u allow_all_users=yes
}}
"""

DOVECOT_2_4 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
mail_driver = maildir
mail_path = {directory}/mail/%{{user}}
ssl = required
ssl_server_cert_file = {chain}
ssl_server_key_file = {key}
passdb passwd-file {{
  passwd_file_path = {directory}/users/%{{user}}
  default_password_scheme = PLAIN
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {directory}/home/%{{user}}
  }}
  static_allow_all_users = yes
}}
"""

TOKENS_2_3 = """\
protocol {protocol} {{
  passdb {{
    driver = oauth2
    mechanisms = xoauth2 oauthbearer
    args = {file}
  }}
}}
"""

# A file of its own in 2.3, a block inside the configuration since 2.4; the words are the same but for the CA.
INTROSPECTION = """\
introspection_mode = post
introspection_url = {url}
force_introspection = yes
active_attribute = active
active_value = true
username_attribute = username
scope = {protocol}
{ca_setting} = {ca_file}
"""

READY_WITHIN = 15.0  # seconds; 0.03 on an idle machine


@dataclass(frozen=True)
class Introspection:
    """Where to ask about tokens: over TLS, vouched for by `ca_file`."""

    url: str
    ca_file: Path


@dataclass(frozen=True)
class Ports:
    imap: int
    imaps: int
    pop3: int
    pop3s: int


class Dovecot:
    """`directory`: its own, for a root whose parents let others through. `extra`: more configuration."""

    def __init__(
        self,
        directory: Path,
        certificate: Certificate,
        extra: str = "",
        introspection: Introspection | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.ports = Ports(*_free_ports(4))
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("run", "state", "mail", "home", "users"):
            (self.directory / name).mkdir()
        self._configuration = self.directory / "dovecot.conf"
        mechanisms = "plain login"
        if introspection is not None:
            mechanisms += " xoauth2 oauthbearer"
            extra += "".join(self._tokens(protocol, introspection) for protocol in ("imap", "pop3"))
        self._configuration.write_text(self._configured(certificate, mechanisms, extra))
        self._own(self.directory.rglob("*"))
        self._own([self.directory])

    def _tokens(self, protocol: str, introspection: Introspection) -> str:
        """A token of one protocol does not open the other: Entra has a scope for each."""
        facts = {"protocol": protocol, "url": introspection.url}
        ca_file = shutil.copy(introspection.ca_file, self.directory / "ca.pem")
        if _version() >= (2, 4):
            settings = INTROSPECTION.format(**facts, ca_setting="ssl_client_ca_file", ca_file=ca_file)
            return f"protocol {protocol} {{\noauth2 {{\n{settings}}}\n}}\n"
        file = self.directory / f"oauth2-{protocol}.conf.ext"
        file.write_text(INTROSPECTION.format(**facts, ca_setting="tls_ca_cert_file", ca_file=ca_file))
        return TOKENS_2_3.format(protocol=protocol, file=file)

    def _configured(self, certificate: Certificate, mechanisms: str, extra: str) -> str:
        """2.4 broke the syntax of 2.3; the difference is in the two templates."""
        new = _version() >= (2, 4)
        facts: dict[str, Any] = {
            "directory": self.directory,
            "user": self._account.pw_name,
            "group": grp.getgrgid(self._account.pw_gid).gr_name,
            "uid": self._account.pw_uid,
            "gid": self._account.pw_gid,
            # The key goes where the server may read it after it has dropped root.
            "chain": shutil.copy(certificate.chain, self.directory / "cert.pem"),
            "key": shutil.copy(certificate.key, self.directory / "key.pem"),
            "ports": self.ports,
            "mechanisms": mechanisms,
            "uidl_format": "%{uidvalidity}.%{uid}" if new else "%v.%u",
            "extra": extra,
        }
        dialect = (DOVECOT_2_4 if new else DOVECOT_2_3).format(**facts)
        return CONFIGURATION.format(dialect=dialect, **facts)

    def start(self) -> Self:
        if os.geteuid() == 0:
            _check_traversable(self.directory)
        with (self.directory / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                [_program("dovecot"), "-F", "-c", self._configuration],
                stdout=errors,
                stderr=errors,
                cwd=self.directory,
                **self._identity(),
            )
        deadline = time.monotonic() + READY_WITHIN
        for port in astuple(self.ports):
            self._wait_for(port, deadline)
        return self

    def _wait_for(self, port: int, deadline: float) -> None:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except ConnectionRefusedError:
                if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Dovecot does not start: {self._complaints()}") from None
                time.sleep(0.01)
            else:
                return

    def _complaints(self) -> str:
        logs = [self.directory / "stderr", self.directory / "dovecot.log"]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add_user(self, name: str, password: str) -> None:
        """At any time. A changed password holds from the next second on."""
        # A file for each user: Dovecot looks at most once a second whether one that it knows has changed.
        file = self.directory / "users" / name
        draft = file.with_name(f"{name}.new")
        draft.write_text(f"{name}:{{PLAIN}}{password}\n")
        self._own([draft])
        draft.rename(file)  # never half a file, whoever is signing in just now

    def deliver(self, user: str, raw: bytes, folder: str = "", flags: str = "") -> None:
        """Puts a mail into the Maildir. `folder`: "" is INBOX. `flags`: Maildir letters, "S" for read."""
        maildir = self.directory / "mail" / user / (f".{folder}" if folder else "")
        made = [maildir, *(maildir / name for name in ("tmp", "new", "cur"))]
        for directory in made:
            directory.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns()}.{os.urandom(6).hex()}.test"
        draft = maildir / "tmp" / name
        draft.write_bytes(raw)
        self._own([self.directory / "mail" / user, *made, draft])
        draft.rename(maildir / "cur" / f"{name}:2,{flags}" if flags else maildir / "new" / name)

    def unread(self, user: str, folder: str = "INBOX") -> int:
        """The number of mails without \\Seen, asked of the server."""
        return len(self.doveadm("search", "-u", user, "mailbox", folder, "unseen").splitlines())

    def count(self, user: str, folder: str = "INBOX") -> int:
        return len(self.doveadm("search", "-u", user, "mailbox", folder, "all").splitlines())

    def set_uidvalidity(self, user: str, validity: int, folder: str = "INBOX") -> None:
        self.doveadm("mailbox", "update", "-u", user, "--uid-validity", str(validity), folder)

    def doveadm(self, *arguments: str) -> str:
        done = subprocess.run(
            [_program("doveadm"), "-c", self._configuration, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            **self._identity(),
        )
        if done.returncode != 0:
            raise RuntimeError(f"doveadm {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _identity(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _own(self, paths: Iterable[Path]) -> None:
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self._account.pw_uid, self._account.pw_gid)


def is_installed() -> bool:
    return shutil.which("dovecot", path=_PATH) is not None


_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/usr/bin"


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise RuntimeError(f"{name} is not installed")
    return found


def _version() -> tuple[int, int]:
    answer = subprocess.run([_program("dovecot"), "--version"], capture_output=True, text=True, check=True)
    major, minor, *_ = answer.stdout.split()[0].split(".")
    return int(major), int(minor)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _check_traversable(directory: Path) -> None:
    """pytest's own directories are 0700, and made so again by each pytest that starts."""
    for parent in directory.parents:
        if not parent.stat().st_mode & 0o001:
            raise RuntimeError(f"{parent} lets no other user through; use tempfile.TemporaryDirectory()")
