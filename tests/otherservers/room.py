"""A room for a server: unpacked packages as the root of its processes, with /etc, /var and the like of its own.

In mount and process namespaces of their own (util-linux's unshare), so that nothing of this machine is changed and
one SIGKILL ends the server with all that it started. An ordinary user is root inside, and there is nobody else.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tests.otherservers.packages import NotToBeHad, Unpacked

#: Who owns the mail. An ordinary user's namespace knows root alone: there the servers are told that they became him.
OWNER = pwd.getpwnam("nobody").pw_uid
OWN = ("etc", "run", "srv", "tmp", "var")
ENTER = """\
root=$1 own=$2 preload=$3; shift 3
mount --rbind /dev "$root/dev" || exit 1
for each in etc run srv tmp var; do mount --bind "$own/$each" "$root/$each" || exit 1; done
LD_PRELOAD=$preload chroot "$@"
exit $?
"""
#: One SIGKILL, our own death too, ends unshare, then the shell that is process 1 inside, and with it all the others.
#: A server in its place would not hear of it: who changes his user is told no more (prctl(2), PR_SET_PDEATHSIG).
TIED = ("setpriv", "--pdeathsig", "KILL")
BARE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
#: uid_wrapper (cwrap.org)
PRETENDED = {"UID_WRAPPER": "1", "UID_WRAPPER_ROOT": "1"}
PAM = "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n"


class Room:
    """`directory`: empty; everything that the server writes is there. Paths of `file()` are those inside."""

    def __init__(self, unpacked: Unpacked, directory: Path, names: Sequence[str] = ()) -> None:
        self._root = unpacked.root.resolve()
        self._own = directory.resolve()
        for name in OWN:
            shutil.copytree(self._root / name, self._own / name, symlinks=True)
        self.folder("/tmp").chmod(0o1777)
        accounts = [f"{name}:x:{OWNER}:{OWNER}::/srv/{name}:/bin/sh" for name in ("nobody", *names)]
        self.write("/etc/passwd", "\n".join(["root:x:0:0::/root:/bin/sh", *accounts]) + "\n")
        self.write("/etc/group", f"root:x:0:\nnogroup:x:{OWNER}:\nmail:x:{OWNER}:\n")

    def file(self, path: str) -> Path:
        return self._own / path.removeprefix("/")

    def folder(self, path: str) -> Path:
        """Made if need be, and the owner's."""
        made = self.file(path)
        made.mkdir(parents=True, exist_ok=True)
        self.give(made)
        return made

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def give(self, *paths: Path) -> None:
        """To the owner of the mail."""
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, OWNER, OWNER)

    def password(self, user: str, password: str, *services: str) -> None:
        """For PAM: in the room's own /etc/shadow, by the room's own rules."""
        self.write("/etc/shadow", f"{user}:{crypted(password)}:20000:0:99999:7:::\n").chmod(0o600)
        for service in ("other", *services):
            self.write(f"/etc/pam.d/{service}", PAM)

    def start(self, command: Sequence[str], *, owner: bool = False, **more: Any) -> subprocess.Popen[bytes]:
        """The process to kill: what runs inside ends with it. `owner`: as the mail's owner, not as root."""
        if shutil.which("unshare") is None:
            raise NotToBeHad("unshare (util-linux) is missing")
        words = [*TIED, "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        words += [] if os.geteuid() == 0 else ["--map-root-user"]
        preload = "" if os.geteuid() == 0 else "libuid_wrapper.so"
        words += ["--", "sh", "-c", ENTER, "sh", str(self._root), str(self._own), preload]
        words += [f"--userspec={OWNER}:{OWNER}"] if owner else []
        environment = BARE | ({} if os.geteuid() == 0 else PRETENDED) | more.pop("env", {})
        return subprocess.Popen([*words, str(self._root), *command], env=environment, **more)

    def log(self, name: str) -> IO[bytes]:
        return self.file(f"/srv/{name}.log").open("ab")


def crypted(password: str) -> str:
    """SHA-512 by the libcrypt that every Debian has: Python has no crypt() any more."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    made: bytes = library.crypt(password.encode(), b"$6$zenvoices$")
    return made.decode()
