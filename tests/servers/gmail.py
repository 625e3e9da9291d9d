"""The Gmail API over HTTPS on loopback, for as much of it as a mailbox needs; held to discovery.py on every call.

with GmailApi(certificates.good) as api:
    account = api.account("jan@acme.test", "a token", MODIFY)
    account.deliver(b"Subject: hi\\r\\n\\r\\nhello\\r\\n")
    api.faults.append(Fault("429", "/messages/", times=2))
    api.port, api.calls, api.violations
"""

from __future__ import annotations

import base64
import http.server
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import requests

from tests.servers import discovery
from tests.servers.certificates import Certificate
from tests.servers.discovery import Violation

MODIFY = "https://www.googleapis.com/auth/gmail.modify"
READONLY = "https://www.googleapis.com/auth/gmail.readonly"

#: status and `reason` as Gmail gives them
REFUSALS = {
    "401": (401, "authError", "Invalid Credentials"),
    "403 disabled": (403, "accessNotConfigured", "Gmail API has not been used in project 1 before or it is disabled."),
    "403 scope": (403, "insufficientPermissions", "Request had insufficient authentication scopes."),
    "403 domain": (403, "domainPolicy", "The domain administrators have disabled Gmail apps."),
    "403 rate": (403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries'."),
    "403 user rate": (403, "userRateLimitExceeded", "User-rate limit exceeded.  Retry after 2999-03-07T18:03:15.961Z"),
    "403": (403, "forbidden", "Delegation denied"),
    "400 no mailbox": (400, "failedPrecondition", "Mail service not enabled"),
    "400": (400, "failedPrecondition", "Precondition check failed."),
    "404": (404, "notFound", "Requested entity was not found."),
    "429": (429, "rateLimitExceeded", "Too many concurrent requests for user."),
    "500": (500, "backendError", "Backend Error"),
    "503": (503, "backendError", "The service is currently unavailable."),
}


_PAGES = tuple(f"{kind} page" for kind in REFUSALS)
PAGE = "<html><title>Sorry</title></html>"

#: what becomes of the `raw` of a mail
MAIL_FAULTS: dict[str, Callable[[str], str | None]] = {
    "no raw": lambda raw: None,
    "empty raw": lambda raw: "",
    "half raw": lambda raw: raw[: len(raw) // 8 * 4],
    "broken base64": lambda raw: raw[:8] + "!" + raw[8:],
    "cut base64": lambda raw: raw[:41],  # no base64 is 4n+1 long
}


@dataclass
class Fault:
    """What goes wrong with the next `times` calls whose path holds `path`.

    A key of REFUSALS, also inside a batch, with " page" behind it as somebody else's error page of that status;
    a key of MAIL_FAULTS for a mail; for a whole answer "hang", "cut" (closed half-way), "too long" and "too short" (a
    false Content-Length), "no json", "drip".
    """

    kind: str
    path: str = ""
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Message:
    raw: bytes
    labels: set[str]
    at: int  # seconds


@dataclass
class Account:
    address: str
    messages: dict[str, Message] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=lambda: {"INBOX": "INBOX", "SPAM": "SPAM", "UNREAD": "UNREAD"})

    def deliver(self, raw: bytes, label: str = "INBOX", *, read: bool = False, at: float | None = None) -> str:
        uid = f"{0x18F0000000000000 + len(self.messages):016x}"
        labels = {label} if read else {label, "UNREAD"}
        self.messages[uid] = Message(raw, labels, int(time.time() if at is None else at))
        return uid

    def add_label(self, name: str) -> str:
        """Returns its id."""
        self.labels[f"Label_{len(self.labels)}"] = name
        return list(self.labels)[-1]

    def unread(self, label: str = "INBOX") -> int:
        return sum({label, "UNREAD"} <= message.labels for message in self.messages.values())

    def find(self, labels: list[str], query: str) -> list[str]:
        """Newest first."""
        words = dict(word.split(":") for word in query.split())
        if not words.keys() <= {"is", "after"} or words.get("is", "read") not in ("read", "unread"):
            raise Violation(f"this double knows no search for {query!r}")
        found = [
            uid
            for uid, message in self.messages.items()
            if set(labels) <= message.labels
            and message.at >= int(words.get("after", 0))
            and ("is" not in words or (words["is"] == "unread") == ("UNREAD" in message.labels))
        ]
        return found[::-1]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""


class GmailApi:
    """`introspection` and its CA: where the provider says whose a token is; else only the tokens given here count."""

    def __init__(self, certificate: Certificate, introspection: str = "", ca_file: Path | None = None) -> None:
        self.introspection, self.ca_file = introspection, ca_file
        self.over = threading.Event()
        self.reset()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self), bind_and_activate=False)
        self._server.daemon_threads = True
        self._certificate = certificate
        self.port = 0

    def reset(self) -> None:
        """Nobody has a mailbox, and nothing is wrong."""
        self.over.set()
        self.over = threading.Event()
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.faults: list[Fault] = []
        self.calls: list[str] = []  # ids of methods, "batch" for a batch
        self.violations: list[str] = []
        self.page_size = 500
        self.escapes_padding = False
        self.hangs_up = False  # after every answer, as for a connection that was idle too long

    def account(self, address: str, token: str = "", *scopes: str) -> Account:
        if token:
            self.tokens[token] = (address, scopes)
        return self.accounts.setdefault(address, Account(address))

    # --- What it answers -----------------------------------------------------------------------------------

    def answer(self, verb: str, target: str, token: str, body: bytes) -> Answer:
        """One call, alone or in a batch. What is not in the description is remembered and refused."""
        try:
            return self._answer(verb, target, token, body)
        except (Violation, LookupError, ValueError) as violation:
            self.violations.append(f"{verb} {target}: {violation}")
            return Answer(400, _error(400, "badRequest", str(violation)))

    def _answer(self, verb: str, target: str, token: str, body: bytes) -> Answer:
        address = urlsplit(target)
        query = parse_qsl(address.query, keep_blank_values=True, strict_parsing=bool(address.query))
        method = discovery.method_at(verb, address.path)
        self.calls.append(method.id)
        discovery.check_query(method, query)
        said = discovery.check_body(method, body)
        fault = self.fault(target, *REFUSALS, *_PAGES, *MAIL_FAULTS, "odd ids")
        if fault and fault.kind not in (*MAIL_FAULTS, "odd ids"):
            return _refusal(fault.kind, fault.headers)
        who, scopes = self._who(token)
        if who is None:
            return _refusal("401")
        if not set(scopes) & set(method.description["scopes"]):
            return _refusal("403 scope")
        found = getattr(self, "_" + method.id.replace(".", "_"))(self.account(who), method.path, query, said)
        if isinstance(found, Answer):
            return found
        found = _only(dict(query).get("fields", ""), found)
        discovery.check_answer(method, found)
        return Answer(204 if found is None else 200, found, fault=fault.kind if fault else "")

    def fault(self, path: str, *kinds: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.path in path and fault.kind in kinds:
                fault.times -= 1
                return fault
        return None

    def _who(self, token: str) -> tuple[str | None, tuple[str, ...]]:
        if not self.introspection:
            return self.tokens.get(token, (None, ()))
        asked = requests.Session()
        asked.trust_env, asked.verify = False, str(self.ca_file)
        with asked:
            told = asked.post(self.introspection, data={"token": token}, timeout=10).json()
        return (told["username"], tuple(told["scope"].split())) if told["active"] else (None, ())

    def _getProfile(self, account: Account, *_: Any) -> Any:  # noqa: N802
        total = len(account.messages)
        return {"emailAddress": account.address, "messagesTotal": total, "threadsTotal": total, "historyId": "1"}

    def _labels_list(self, account: Account, *_: Any) -> Any:
        return {"labels": [{"id": one, "name": name, "type": _kind(one)} for one, name in account.labels.items()]}

    def _labels_get(self, account: Account, path: dict[str, str], *_: Any) -> Any:
        label = path["id"]
        if label not in account.labels:
            return _refusal("404")
        total = sum(label in message.labels for message in account.messages.values())
        unread = account.unread(label)
        counts = {"messagesTotal": total, "messagesUnread": unread, "threadsTotal": total, "threadsUnread": unread}
        return {"id": label, "name": account.labels[label], "type": _kind(label), **counts}

    def _messages_list(self, account: Account, _path: Any, query: list[tuple[str, str]], _body: Any) -> Any:
        asked = dict(query)
        labels = [value for name, value in query if name == "labelIds"]
        found = account.find(labels, asked.get("q", ""))
        if asked.get("includeSpamTrash") != "true":
            found = [uid for uid in found if not account.messages[uid].labels & {"SPAM", "TRASH"}]
        start = int(asked.get("pageToken", 0))
        end = start + min(self.page_size, int(asked.get("maxResults", 100)))
        answer: dict[str, Any] = {"resultSizeEstimate": len(found)}
        if found[start:end]:
            answer["messages"] = [{"id": uid, "threadId": uid} for uid in found[start:end]]
        if end < len(found):
            answer["nextPageToken"] = str(end)
        return answer

    def _messages_get(self, account: Account, path: dict[str, str], query: list[tuple[str, str]], _body: Any) -> Any:
        message = account.messages.get(path["id"])
        if message is None:
            return _refusal("404")
        if dict(query).get("format") != "raw":
            raise Violation("this double gives mails raw only")
        return {
            "id": path["id"],
            "threadId": path["id"],
            "labelIds": sorted(message.labels),
            "snippet": 'his "raw": "text',
            "sizeEstimate": len(message.raw) + 17,
            "historyId": "1",
            "internalDate": f"{message.at}000",
            "raw": base64.urlsafe_b64encode(message.raw).decode(),
        }

    def _messages_batchModify(self, account: Account, _path: Any, _query: Any, body: Any) -> None:  # noqa: N802
        if len(body["ids"]) > 1000:
            raise Violation("at most 1000 ids")
        for message in (account.messages[uid] for uid in body["ids"] if uid in account.messages):
            message.labels = (message.labels | set(body.get("addLabelIds", ()))) - set(body.get("removeLabelIds", ()))

    # --- Its life ------------------------------------------------------------------------------------------

    def start(self) -> Self:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.chain, self._certificate.key)
        self._server.server_bind()
        self._server.server_activate()
        self.port = self._server.server_address[1]
        # The handshake belongs into the connection's own thread.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _kind(label: str) -> str:
    return "user" if label.startswith("Label_") else "system"


def _only(fields: str, found: Any) -> Any:
    """A partial answer: a,b/c,d(e,f)."""
    if not fields or found is None:
        return found
    kept: dict[str, Any] = {}
    for name, inner, single in re.findall(r"(\w+)(?:\(([\w,]+)\)|/(\w+))?", fields):
        if name in found:
            names = (inner or single).split(",") if inner or single else None
            kept[name] = [{one: item[one] for one in names} for item in found[name]] if names else found[name]
    return kept


def _refusal(kind: str, headers: dict[str, str] | None = None) -> Answer:
    status, reason, message = REFUSALS[kind.removesuffix(" page")]
    if kind.endswith(" page"):
        return Answer(status, PAGE, headers or {})
    return Answer(status, _error(status, reason, message), headers or {})


def _error(status: int, reason: str, message: str) -> Any:
    rows = [{"message": message, "domain": "global", "reason": reason}]
    return {"error": {"code": status, "message": message, "errors": rows}}


def _handler(api: GmailApi) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle(self) -> None:
            with suppress(OSError):  # the client hung up, or does not like the certificate
                super().handle()

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

        def do_GET(self) -> None:
            self._reply(api.answer("GET", self.path, self._token(), b""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/" + discovery.document()["batchPath"]:
                return self._reply(api.answer("POST", self.path, self._token(), body))
            api.calls.append("batch")
            if refused := api.fault(self.path, *REFUSALS, *_PAGES):
                return self._reply(_refusal(refused.kind, refused.headers))
            try:
                calls = list(self._calls(body))
            except Violation as violation:
                api.violations.append(str(violation))
                return self._reply(_refusal("404"))
            return self._send(200, 'multipart/mixed; boundary="batch_Ab-1_x"', self._batch(calls), {})

        def _token(self) -> str:
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            return token if scheme == "Bearer" else ""

        def _calls(self, body: bytes) -> Iterator[tuple[str, str]]:
            """(Content-ID, address) of each call of a batch."""
            boundary = self.headers.get_boundary() or ""
            found = body.split(b"--" + boundary.encode())
            if not boundary or found[0].strip() or found[-1] != b"--\r\n" or len(found) > 52:
                raise Violation("no batch of at most 50 calls")
            for part in found[1:-1]:
                call = re.fullmatch(
                    rb"\r\nContent-Type: application/http\r\nContent-ID: <([^>\s]+)>\r\n\r\n"
                    rb"GET (/\S+)(?: HTTP/1\.1)?\r\n\r\n",
                    part,
                )
                if call is None:
                    raise Violation(f"no call: {part!r}")
                yield call[1].decode(), call[2].decode()

        def _batch(self, calls: list[tuple[str, str]]) -> bytes:
            """The answers, the last first: Google promises no order."""
            answers = b""
            for name, address in reversed(calls):
                answer = api.answer("GET", address, self._token(), b"")
                body = _written(answer, api)
                answers += (
                    (
                        f"--batch_Ab-1_x\r\nContent-Type: application/http\r\nContent-ID: <response-{name}>\r\n\r\n"
                        f"HTTP/1.1 {answer.status} Said\r\nContent-Type: application/json; charset=UTF-8\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n"
                    ).encode()
                    + body
                    + b"\r\n"
                )
            return answers + b"--batch_Ab-1_x--\r\n"

        def _reply(self, answer: Answer) -> None:
            self._send(answer.status, "application/json; charset=UTF-8", _written(answer, api), answer.headers)

        def _send(self, status: int, content_type: str, body: bytes, headers: dict[str, str]) -> None:
            fault = api.fault(self.path, "hang", "cut", "too long", "too short", "no json", "drip")
            kind = fault.kind if fault else ""
            if kind == "no json":
                body = b"<html>Sorry</html>"
            length = len(body) + {"too long": 1000, "too short": -len(body) // 2}.get(kind, 0)
            self.send_response(status)
            for name, value in {"Content-Type": content_type, "Content-Length": str(length), **headers}.items():
                self.send_header(name, value)
            if api.hangs_up and kind == "":
                self.close_connection = True
            self.end_headers()
            half = body[: len(body) // 2]
            self.wfile.write(half if kind in ("hang", "cut", "drip") else body)
            self.wfile.flush()
            over = api.over
            if kind == "hang":
                over.wait()
            while kind == "drip" and not over.wait(0.05):
                self.wfile.write(b"A")
                self.wfile.flush()
            if kind:
                self.close_connection = True

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() if timestamp is None else timestamp, usegmt=True)

        def version_string(self) -> str:
            return "ESF"

        def log_message(self, *_: Any) -> None:
            """Silent."""

    return Handler


def _written(answer: Answer, api: GmailApi) -> bytes:
    if answer.body is None:
        return b""
    if isinstance(answer.body, str):
        return answer.body.encode()
    body = dict(answer.body)
    if answer.fault in MAIL_FAULTS and "raw" in body:
        body["raw"] = MAIL_FAULTS[answer.fault](body["raw"])
    elif answer.fault == "odd ids":
        body["messages"] = [{"id": "../drafts"}, {}, *body["messages"]]
    text = json.dumps(body)
    return (text.replace("=", "\\u003d") if api.escapes_padding else text).encode()
