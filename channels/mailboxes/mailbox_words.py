"""What servers say of a mailbox, a folder and the traffic with it, in the languages that they speak here."""

from __future__ import annotations

from typing import Final

from channels.mailboxes.families import ARRIVING, FOLDER, SIGN_IN, Family, Stage

STRANGER: Final = r"unsafe login"

#: In this order; the first that fits is taken.
MAILBOX_WORDS: Final = (
    Family(
        "folder_missing",
        r"no such (mailbox|folder)",
        r"n['o]t exist",
        r"unknown (mailbox|folder)",
        r"(folder|mailbox) (was |could )?not (be )?found",
        r"bestaat niet",
        r"exist(e pas|iert nicht)",
        stages=FOLDER,
    ),
    Family(
        "mailbox_full",
        r"(mailbox|maildrop|postvak|postfach)\b.{0,80}\b(is full|is vol|ist voll)",
        r"mailbox full",
        r"mailbox\b.{0,20}\b(exceed\w*|over)\b.{0,20}quota",
    ),
    Family(
        "mailbox_in_use",
        r"(mail ?(box|drop)|mbox|spool)( is)?( already| currently| temporarily)? (locked|busy|in use)",
        r"(mail ?(box|drop)|mbox|spool)( is)?( already| currently)? (open\b|opened|being)",
        r"postvak (is )?(al )?(vergrendeld|in gebruik|bezet)",
        r"postfach (ist )?(bereits )?(gesperrt|geöffnet)",
        r"lock (on )?(the |your )?(user['’]?s? )?(mailbox|maildrop|mail ?drop|mbox|spool)",
        r"lock (is )?busy",
        r"(another|other) (active |pop3? |imap )?(session|client|process|program)",
        r"already (locked|logged in)",
        r"bereits (geöffnet|gesperrt)",
        r"(get|obtain|acquire)\w* .{0,20}lock",
        r"lock ?file",
    ),
    Family(
        "quota_reached",
        r"bandwidth",
    ),
    Family(
        "mailbox_full",
        r"quota exceeded",
        r"over ?quota",
        r"exceed\w* .{0,20}quota",
        r"storage limit",
        stages=[Stage.FOLDER, Stage.FLAG],
    ),
    Family(
        "quota_reached",
        r"quota exceeded",
        r"(download|daily|traffic) (limit|quota)",
    ),
    Family(
        "server_busy",
        r"throttl",
        r"rate.?limit",
        r"backoff time",
        r"only every",
        r"\bonce (every|each|per)\b",
        r"(only|than) once in",
        r"time between mail checks",
        r"too (fast|frequent|often)",
        r"frequency (is )?limit",
        r"slow down",
        r"wait (for )?\d{1,6} ?(s|m)",
        r"(log-?in|rate|request)s? (rate |limit )+(is )?(exceeded|reached|hit)",
    ),
    Family(
        "server_busy",
        r"too many (\w+ )?(log-?ins?|sign-?ins?|log-?in attempts|attempts)",
        stages=ARRIVING,
    ),
    Family(
        "server_busy",
        r"too many (\w+ )?(requests|commands)",
    ),
    Family(
        "too_many_connections",
        r"too many",
        stages=ARRIVING,
    ),
    Family(
        "sign_in_method_missing",
        r"(plain ?text|clear ?text|unencrypted|insecure)\b.{0,40}(disabled|not |disallowed|denied|forbidden)",
        r"(mechanism|method)\b.{0,30}(not |unsupported|unknown|disabled)",
        r"\bLOGIN (command )?(is )?disabled",
        stages=SIGN_IN,
    ),
    Family(
        "server_unavailable",
        r"damaged",
        r"corrupt",
        r"server error",
        r"temporary (\w+ )?(failure|error|problem)",
        r"(database|backend|storage|system) (error|failure|problem)",
        stages=ARRIVING,
    ),
    Family(
        "server_unavailable",
        r"too busy",
        r"maintenance",
        r"unreachable",
        r"not reachable",
        r"(cannot|can['’]?t|unable to|failed to|could not) (connect|open|access|reach|contact|read)",
        stages=[Stage.SESSION, Stage.SIGN_IN],
    ),
    Family(
        "mailbox_not_allowed",
        STRANGER,
        stages=FOLDER,
    ),
    Family(
        "folder_not_allowed",
        r"permission denied",
        r"access (is )?denied",
        r"not (allowed|permitted|authori[sz]ed)",
        r"no (\w+ )?(permission|right|access)",
        r"insufficient",
        r"(not|n't) have (\w+ ){0,2}(permission|right|access)",
        r"forbidden",
        r"geen (toegang|recht)",
        r"keine (berechtigung|rechte)",
        r"kein zugriff",
        r"accès refusé",
        r"acceso denegado",
        stages=FOLDER,
    ),
)
