"""`make run`: the whole portal in the foreground, on this machine alone. Ctrl-C ends all of it."""

from __future__ import annotations

import errno
import http.client
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import quote

from scripts import bootstrap, broker, keys, prepared, private, reasons
from scripts.bootstrap import PYTHON, ROOT, VENV, say
from scripts.lock import AlreadyRunning, hold
from scripts.processes import ProcessEnded, Processes
from scripts.screen import welcome

READY_SECONDS = 90
DEMO_MAIL_PORTS = range(11993, 12993)
WEB_WORKER = "zenvoices.lib.web_worker.BufferingWorker"
#: The queues of each. In one worker for all, a hundred first pages to be drawn keep a fetch waiting, and long fetches
#: whoever has a connection checked, and the schedule. Checks take 24 threads at most (CHECKS_AT_ONCE).
WORKERS = {
    "fetch": ("-Q", "fetch", "--pool", "threads", "--concurrency", "32"),
    "checks": ("-Q", "checks,tick", "--pool", "threads", "--concurrency", "28"),
    "documents": ("-Q", "documents", "--pool", "prefork", "--concurrency", "1"),
}


class Refused(Exception):
    """The portal cannot start like this; the text says what to do."""


class Stop(BaseException):
    """Somebody asked us to end."""


@dataclass(frozen=True)
class Options:
    port: int
    data: Path
    demo: bool

    @classmethod
    def from_environment(cls) -> Options:
        port = os.environ.get("PORT") or "8000"
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise Refused(f"PORT={port} is no port number. Choose one from 1024 to 65535: make run PORT=8000")
        data = Path(os.environ.get("DATA_DIR") or ROOT / "var").expanduser().resolve()
        demo = os.environ.get("DEMO", "1").lower() not in ("0", "false", "no", "")
        return cls(int(port), data, demo)

    @property
    def url(self) -> str:
        return os.environ.get("BASE_URL") or f"http://localhost:{self.port}"


Commands = dict[str, list[str]]


def portal(options: Options) -> Commands:
    """The programs that serve: `web` and `beat` make it ready, the workers follow."""
    gunicorn = [str(PYTHON), "-m", "gunicorn", "zenvoices.wsgi:application", "--bind", f"127.0.0.1:{options.port}"]
    web = ["--worker-class", WEB_WORKER, "--workers", "2", "--threads", "8", "--preload", "--no-control-socket"]
    celery = [str(PYTHON), "-m", "celery", "--quiet", "-A", "zenvoices.celery"]
    alone = ["--without-gossip", "--without-mingle"]
    commands = {
        "web": [*gunicorn, *web, "--graceful-timeout", "5"],
        "beat": [*celery, "beat", "--pidfile="],
    }
    for name, words in WORKERS.items():
        commands[f"worker-{name}"] = [*celery, "worker", "-n", f"{name}@%h", *words, *alone]
    return commands


def main(commands: Callable[[Options], Commands] = portal) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        _begin(Options.from_environment(), commands)
    except (Refused, AlreadyRunning, bootstrap.BootstrapFailed, broker.NoBroker, ProcessEnded) as problem:
        print(f"\n{problem}\n", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    except Stop:
        print("\nInterrupted before the portal ran; the next try begins anew.", file=sys.stderr, flush=True)  # noqa: T201
        return 130
    return 0


def _begin(options: Options, commands: Callable[[Options], Commands]) -> None:
    try:
        options.data.mkdir(parents=True, exist_ok=True)
        if full := reasons.too_full(options.data):
            raise Refused(full)
        with hold(options.data / "run.lock", options.url) as lock:
            _check_port(options.port)
            bootstrap.ensure(bootstrap.RUN_LOCKS)
            os.umask(private.UMASK)
            private.narrow(options.data)
            keys.make_keys(options.data / "keys", demo=options.demo)
            _run(options, commands(options), Processes(options.data / "logs", lock))
    except OSError as error:
        raise Refused(reasons.of_error(error, options.data)) from error


def _run(options: Options, commands: Commands, processes: Processes) -> None:
    launched_by = os.getppid()
    try:
        _start(options, commands, processes)
        say(welcome(options.url, options.data, demo=options.demo))
        while not _orphaned(launched_by):
            processes.check()
            time.sleep(0.2)
    except Stop:
        say("\nStopping ...")
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        processes.stop()


def _start(options: Options, commands: Commands, processes: Processes) -> None:
    env = _environment(options)
    if not os.environ.get("REDIS_URL"):
        _start_broker(options, processes, env)
    if options.demo:
        _start_mailbox(options, processes, env)
    fingerprint = prepared.fingerprint(options.data, options.demo)
    stamp = options.data / "prepared"
    if not stamp.exists() or stamp.read_text() != fingerprint:
        say("Preparing the database and the pages ...")
        # What DEBUG collects has no manifest, without which the next start in earnest serves no page.
        processes.run("prepare", [str(PYTHON), "-m", "scripts.prepare"], {**env, "DEBUG": "false"})
        stamp.write_text(prepared.fingerprint(options.data, options.demo))
    say("Starting ...")
    for name in ("web", "beat"):
        processes.start(name, commands.pop(name), env)
    processes.wait_until(lambda: _ready(options.port), "Becoming ready", READY_SECONDS)
    # The workers follow: started together, all of them would be ready later than the first two are now.
    for name, command in commands.items():
        processes.start(name, command, env)


def _environment(options: Options) -> dict[str, str]:
    env = dict(os.environ)
    env.update(DATA_DIR=str(options.data), BASE_URL=options.url, DEMO="1" if options.demo else "0")
    # UTF-8 whatever this machine's locale: files and logs of the portal are written in it.
    env.update(PYTHONUNBUFFERED="1", PYTHONUTF8="1", DJANGO_SETTINGS_MODULE="zenvoices.settings")
    env.setdefault("MAIL_ALLOW_PRIVATE_HOSTS", "true")
    env.setdefault("LOG_FORMAT", "console")
    if not env.get("EMAIL_URL") and "DEBUG" not in env:
        # Chosen, not forgotten: elsewhere a portal without a way to send mail does not start.
        env["EMAIL_URL"] = f"filemail:///{quote(str(options.data / 'outbox'))}"
    return env


def _start_broker(options: Options, processes: Processes, env: dict[str, str]) -> None:
    server = broker.find_server(VENV)
    endpoint = processes.folder / "broker.sock"
    data = options.data / "broker" / broker.version_of(server)
    processes.start("broker", broker.command(server, endpoint, data), env)
    processes.wait_until(lambda: broker.answers(endpoint), "Starting the broker", 30)
    env["REDIS_URL"] = f"unix://{endpoint}"


def _start_mailbox(options: Options, processes: Processes, env: dict[str, str]) -> None:
    folder = options.data / "demo-mail"
    env["DEMO_MAILBOX_PORT"] = str(_mailbox_port(folder))
    for name in ("DEMO_PASSWORD", "DEMO_MAILBOX_PASSWORD"):
        env[name] = (options.data / "keys" / name).read_text().strip()
    arguments = [str(folder), "--port", env["DEMO_MAILBOX_PORT"], "--password-env", "DEMO_MAILBOX_PASSWORD"]
    processes.start("demo-mailbox", [str(PYTHON), "-m", "demo.mailbox_server", *arguments], env)
    certificate = folder / "tls" / "ca.pem"
    processes.wait_until(certificate.exists, "Starting the demo mailbox", 30)
    env.setdefault("OUTBOUND_CA_FILE", str(certificate))


def _mailbox_port(folder: Path) -> int:
    """The channel knows the port, so it is chosen once and kept: by chance, that two portals seldom share one."""
    kept = folder / "port"
    if kept.exists():
        port = int(kept.read_text())
        if not _is_free(port):
            raise Refused(f"Port {port} of the demo mailbox is in use by another program. End that, or use DEMO=0.")
        return port
    chosen = random.sample(DEMO_MAIL_PORTS, len(DEMO_MAIL_PORTS))  # no secret # nosec
    port = next((number for number in chosen if _is_free(number)), 0)
    if not port:
        raise Refused(f"No free port between {DEMO_MAIL_PORTS[0]} and {DEMO_MAIL_PORTS[-1]} for the demo mailbox.")
    folder.mkdir(parents=True, exist_ok=True)
    keys.make_once(kept, str(port))
    return port


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status == 200 and isinstance(json.load(answer), dict)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _check_port(port: int) -> None:
    refusal = _bind(port)
    if refusal == errno.EACCES:
        raise Refused(f"This user may not open port {port}. Choose one from 1024 up: make run PORT=8000")
    if refusal:
        raise Refused(f"Port {port} is in use by another program. Choose another: make run PORT={port % 65535 + 1}")


def _is_free(port: int) -> bool:
    return not _bind(port)


def _bind(port: int) -> int:
    """0, or the number of the error."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


def _orphaned(launched_by: int) -> bool:
    """make was killed in a way that it could not pass on."""
    return "MAKELEVEL" in os.environ and os.getppid() != launched_by


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stop


if __name__ == "__main__":
    sys.exit(main())
