"""Every setting of the portal, read from the environment.

Any variable X may be given as X_FILE, the name of a file that holds it (Docker and Kubernetes secrets).
Units stand in the names. What is not set here is Django's default. What cannot be used is gathered by `env` and
stops every start at the end of this file.
"""

from __future__ import annotations

import os
import sys
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from zenvoices.lib import failpoints, logs
from zenvoices.lib.crypto import KeyProblem, KeyRing
from zenvoices.lib.environment import Environment
from zenvoices.lib.keypairs import KeyPairProblem, read_pair

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# Every process reads this first: database, mails, documents, previews and outbox are for the portal's own user only.
os.umask(0o077)

# --- Basics ---------------------------------------------------------------------------------------
DEBUG: bool = env.bool("DEBUG", False)
DATA_DIR = env.path("DATA_DIR", BASE_DIR / "var").resolve()
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    if not os.access(DATA_DIR, os.W_OK | os.X_OK):
        env.wrong("DATA_DIR", f"is {DATA_DIR}, where this user may not write", "Give a folder that this user owns.")
except OSError as refused:
    env.wrong(
        "DATA_DIR", f"is {DATA_DIR}, which cannot be made: {refused.strerror}", "Give a folder that this user owns."
    )
BASE_URL: str = env.site("BASE_URL", "http://localhost:8000")
TESTING = "pytest" in sys.modules


#: secrets that this process has no need of and is not given; whatever asks for one fails
WITHHELD: list[str] = env.list("WITHHELD", default=[])
if set(WITHHELD) - {"SECRET_KEY", "CREDENTIAL_KEYS", "EMAIL_URL"}:
    env.wrong("WITHHELD", "names what every process needs", "Write any of SECRET_KEY, CREDENTIAL_KEYS, EMAIL_URL.")


def _made_by_make_run(name: str) -> str:
    """Secrets of an installation: from the environment, else what `make run` wrote into DATA_DIR."""
    if name in WITHHELD:
        return ""
    value: str = env.str(name, "")
    kept = DATA_DIR / "keys" / name
    if not value and os.access(kept, os.R_OK):
        value = kept.read_text().strip()
    if not value and not env.is_wrong(f"{name}_FILE"):
        env.wrong(
            name,
            f"is not set (nor {name}_FILE), and {kept} cannot be read",
            ".env.example has the command that makes one.",
        )
    return value


SECRET_KEY = _made_by_make_run("SECRET_KEY")
#: url-safe base64 keys of 32 bytes, comma separated; the first encrypts, all decrypt (zenvoices.lib.crypto)
CREDENTIAL_KEYS: list[str] = [key for key in _made_by_make_run("CREDENTIAL_KEYS").split(",") if key.strip()]
try:
    KeyRing(CREDENTIAL_KEYS)
except KeyProblem as problem:
    if not ("CREDENTIAL_KEYS" in WITHHELD or env.is_wrong("CREDENTIAL_KEYS_FILE")):
        env.wrong("CREDENTIAL_KEYS", f"is no ring of keys: {problem}", ".env.example has the command that makes one.")

_site = urlsplit(BASE_URL)
_LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
_own_host = _site.netloc.rpartition(":")[0] if _site.port else _site.netloc  # an IPv6 address keeps its brackets
#: pages answer to these, probes to any (zenvoices.hosts); a portal on this machine has three names
ALLOWED_HOSTS: list[str] = [
    *(_LOOPBACK if _own_host in _LOOPBACK else [_own_host]),
    *env.hosts("ALLOWED_HOSTS"),
]
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]
ROOT_URLCONF = "zenvoices.urls"
WSGI_APPLICATION = "zenvoices.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

INSTALLED_APPS = [
    "zenvoices",
    "administrations",
    "documents",
    "notifications",
    "channels",
    "leaving",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "lucide",
]

MIDDLEWARE = [
    "zenvoices.lib.access_log.AccessLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "zenvoices.lib.headers.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "zenvoices.hosts.HostMiddleware",
    "zenvoices.lib.sessions.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "administrations.audit_middleware.AuditMiddleware",
    "administrations.middleware.PersonLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "administrations.sessions.UsedSessionMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "administrations.middleware.SignedOutMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "zenvoices.errors.NotAllowedMiddleware",
    "zenvoices.errors.StorageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "lucide.templatetags.lucide",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "administrations.context.frame",
                "notifications.context.bell",
            ],
        },
    }
]

# --- Database: PostgreSQL in production, SQLite on one machine ------------------------------------------
#: PostgreSQL: the role that owns the tables, for `migrate` and `restore` alone (zenvoices.lib.database_roles)
DATABASE_OWNER = env.database("MIGRATION_DATABASE_URL", "") if env.str("MIGRATION_DATABASE_URL", "") else {}
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{quote(str(DATA_DIR / 'portal.sqlite3'))}")}
if DATABASE_OWNER and any(DATABASE_OWNER[_name] != DATABASES["default"][_name] for _name in ("ENGINE", "NAME")):
    env.wrong("MIGRATION_DATABASE_URL", "names another database than DATABASE_URL", "Only the role may be another.")
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Django's defaults lose one transaction in ten to "database is locked" under four processes.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;",
    }
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # No page reads much, but behind policies PostgreSQL takes it for much: compiling its statements costs 0.2 s.
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    # Who falls silent in the midst of a transaction, as a frozen machine does, is put out by the server: else its locks
    # hold up a channel, and each tick that comes to it, for as long as it is frozen.
    _said = "-c timezone=UTC -c lock_timeout=30s -c idle_in_transaction_session_timeout=60s -c jit=off"
    _options["options"] = f"{_options.get('options', '')} {_said}".strip()
    # A server that vanished without a word is given up, for all threads of a process wait for one that works for them.
    # Keepalives: what it was asked it may have received, and then nothing is under way that could fail.
    for _name, _value in (
        ("tcp_user_timeout", 30_000), ("keepalives_idle", 15), ("keepalives_interval", 5), ("keepalives_count", 3),
    ):  # fmt: skip
        _options.setdefault(_name, _value)
    _options.setdefault("connect_timeout", 10)

# --- Broker and cache -----------------------------------------------------------------------------------
#: redis://… or unix:///…; `make run` sets it to its private broker
REDIS_URL: str = env.broker("REDIS_URL")
#: where it is kept apart from the broker, which may forget nothing
CACHE_URL: str = env.broker("CACHE_URL") or REDIS_URL
if CACHE_URL:
    CACHES = {"default": {"BACKEND": "zenvoices.lib.cache.ForgetfulRedisCache", "LOCATION": CACHE_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1) or "memory://"
# Whoever writes into Redis may queue what we do anyway, but run no code of their own: a pickle is refused unread.
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
# Early: a message lost with its worker is offered again by the tick, and nothing confirms to a broker that went away.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONSUMER = "zenvoices.lib.consumer.OutlivesItsBroker"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than any run; a lost message is healed by the tick anyway, the database holds every truth.
    "visibility_timeout": 900,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    # A view that queues does not wait for a broker that is away; workers have their own, patient retry.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
# Once more, for a broker that came back since. Whoever queues waits, and what was not queued the schedule offers again.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_TASK_DEFAULT_QUEUE = "fetch"
#: A worker that is told no queue serves them all.
CELERY_TASK_QUEUES = {
    name: {"exchange": name, "routing_key": name} for name in ("fetch", "tick", "checks", "documents")
}
CELERY_TASK_ROUTES = {
    "documents.tasks.*": {"queue": "documents"},
    # The worker that opens documents knows no mail server.
    "documents.tasks.send_forwards": {"queue": "fetch"},
    "leaving.tasks.*": {"queue": "documents"},
    # It ends links at providers, and may take long: the most threads are there, and none of them is waited for.
    "leaving.tasks.erase": {"queue": "fetch"},
    # Behind no fetch: first imports of ten minutes may keep every thread of that queue.
    "channels.tasks.tick": {"queue": "tick"},
    "channels.tasks.look": {"queue": "tick"},
    # People wait for these: never behind a long first fetch, and no server that drips keeps a fetch waiting.
    "channels.tasks.check": {"queue": "checks"},
    "channels.tasks.revoke": {"queue": "checks"},
}
CELERY_BEAT_SCHEDULER = "zenvoices.lib.schedule_clock:OutlivesItsClock"
CELERY_BEAT_SYNC_EVERY = 1  # each tick touches its file, which says that the schedule goes on
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- Schedule -------------------------------------------------------------------------------------------
#: The article: "Elke half uur worden documenten automatisch opgehaald uit een kanaal."
FETCH_INTERVAL = timedelta(minutes=30)
#: The article: "Als het ophalen vijf keer achter elkaar mislukt, dan wordt het kanaal op inactief gezet."
FAILURES_UNTIL_INACTIVE = 5
#: hours without a successful fetch that are shown and told, whoever's fault it is
NO_SUCCESS_HOURS: float = env.number("NO_SUCCESS_HOURS", 6.0, least=0, most=8784)
#: who is told by e-mail of what only the operator can mend
OPERATOR_EMAIL: str = env.mailbox("OPERATOR_EMAIL", "")
#: seconds between two ticks, which keep everything in order and look at what is due as well
TICK_SECONDS: float = env.number("TICK_SECONDS", 30.0, least=0.1, most=3600)
# What piled up while no worker was there is not all carried out. It ends by the worker's clock, not by beat's: one
# that takes local time for UTC is hours ahead, and would drop all that comes.
_STALE = {"expires": 10_800}
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "channels.tasks.tick", "schedule": TICK_SECONDS, "options": _STALE},
    # What came due in half a minute would begin in one second, wherever there are workers enough.
    "look": {"task": "channels.tasks.look", "schedule": 1.0, "options": {"expires": 60}},
    "send-notifications": {"task": "notifications.tasks.send_emails", "schedule": 60.0, "options": _STALE},
    "send-forwards": {"task": "documents.tasks.send_forwards", "schedule": 60.0, "options": _STALE},
    "look-after-exports": {"task": "leaving.tasks.look_after", "schedule": 60.0, "options": _STALE},
    "propose-erasing": {"task": "leaving.tasks.propose", "schedule": 21_600.0, "options": _STALE},
    "sweep": {"task": "documents.tasks.sweep", "schedule": 3600.0, "options": _STALE},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
#: A dead fetch is taken over after at most one lease and one tick: 120 seconds after its last sign of life.
#: Longer than a mail server may keep silent (MAIL_SILENCE_SECONDS): nothing is renewed while we wait for it.
FETCH_LEASE_SECONDS: int = env.whole("FETCH_LEASE_SECONDS", 60, most=3600)
#: A scheduled fetch tries again after these pauses before its slot counts as failed.
FETCH_RETRY_SECONDS: list[int] = env.list("FETCH_RETRY_SECONDS", cast=int, default=[2, 5])
FETCH_RUN_SECONDS: int = env.whole("FETCH_RUN_SECONDS", 600, most=86_400)
FETCH_RUN_MAILS: int = env.whole("FETCH_RUN_MAILS", 500)
FETCH_RUN_BYTES: int = env.whole("FETCH_RUN_BYTES", 1_000_000_000, most=10**12)
#: at the same time, not in a minute: whoever ends a run hands its place on (channels.fetching.places)
FETCH_PER_HOST: int = env.whole("FETCH_PER_HOST", 20)
FETCH_PER_ADMINISTRATION: int = env.whole("FETCH_PER_ADMINISTRATION", 4)
#: connection checks at the same time, queued ones counted: each keeps a worker's thread as long as its server likes
CHECKS_PER_ADMINISTRATION: int = env.whole("CHECKS_PER_ADMINISTRATION", 4)
CHECKS_AT_ONCE: int = env.whole("CHECKS_AT_ONCE", 24)
#: drafts that nobody asked to keep (a check failed, a link was never made): how many, and how long
DRAFTS_PER_ADMINISTRATION: int = env.whole("DRAFTS_PER_ADMINISTRATION", 20)
DRAFTS_KEPT_DAYS: int = env.whole("DRAFTS_KEPT_DAYS", 30, most=36_500)
#: runs of the logbook; the ledger, and so what is known of each mail, stays
LOGBOOK_KEPT_DAYS: int = env.whole("LOGBOOK_KEPT_DAYS", 400, most=36_500)
#: who did what (administrations.audit)
AUDIT_KEPT_DAYS: int = env.whole("AUDIT_KEPT_DAYS", 730, most=36_500)
#: whole years after the year in which a document came (administrations.retention); an administration may keep longer
DOCUMENTS_KEPT_YEARS: int = env.whole("DOCUMENTS_KEPT_YEARS", 7, most=100)

# --- Documents ------------------------------------------------------------------------------------------
#: empty: files in DATA_DIR/documents; or s3://bucket/prefix (requirements-s3.txt)
DOCUMENT_STORAGE: str = env.storage("DOCUMENT_STORAGE")
#: while documents move: the other place, `folder` or s3://bucket/prefix (documents.relocating)
DOCUMENT_STORAGE_ALSO: str = env.storage("DOCUMENT_STORAGE_ALSO", "folder")
for _name, _place in (("DOCUMENT_STORAGE", DOCUMENT_STORAGE), ("DOCUMENT_STORAGE_ALSO", DOCUMENT_STORAGE_ALSO)):
    if _place.startswith("s3://") and not find_spec("storages"):
        env.wrong(_name, "needs django-storages", "Install requirements-s3.txt.")
env.web_address_or_none("AWS_ENDPOINT_URL")  # boto3 reads it itself, and ends in a trace over what is none
if DOCUMENT_STORAGE_ALSO and (DOCUMENT_STORAGE or "folder") == DOCUMENT_STORAGE_ALSO:
    env.wrong("DOCUMENT_STORAGE_ALSO", "is DOCUMENT_STORAGE itself", "Name the other place, or write nothing.")
MAIL_MAX_BYTES: int = env.whole("MAIL_MAX_BYTES", 50_000_000, most=10**12)
PART_MAX_BYTES: int = env.whole("PART_MAX_BYTES", 25_000_000, most=10**12)
UPLOAD_MAX_BYTES: int = env.whole("UPLOAD_MAX_BYTES", 25_000_000, most=10**12)
#: files that one person may upload
UPLOADS_PER_HOUR: int = env.whole("UPLOADS_PER_HOUR", 1000)
#: documents that one administration may forward by e-mail
FORWARDS_PER_HOUR: int = env.whole("FORWARDS_PER_HOUR", 200)
#: that the mails and documents of one administration may take (documents.quota); 0: no bound
STORAGE_QUOTA_GB: float = env.number("STORAGE_QUOTA_GB", 0.0, least=0, most=1_000_000)
#: of one upload, kept on the disk while it comes in (documents.uploads), and of a whole request
UPLOAD_FILES = 20
REQUEST_MAX_BYTES = (UPLOAD_FILES + 1) * UPLOAD_MAX_BYTES
FILE_UPLOAD_HANDLERS = ["documents.uploads.BoundedUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 100
#: documents knows no mail: this module reads what a page of one needs (documents.render_mail)
MAIL_READER = "channels.extract.page"

# --- Mail servers and providers -------------------------------------------------------------------------
MAIL_ALLOW_PRIVATE_HOSTS: bool = env.bool("MAIL_ALLOW_PRIVATE_HOSTS", False)
OUTBOUND_CA_FILE: str = env.authorities("OUTBOUND_CA_FILE")
MAIL_CONNECT_SECONDS: float = env.number("MAIL_CONNECT_SECONDS", 10.0, least=0.1, most=600)
MAIL_SILENCE_SECONDS: float = env.number("MAIL_SILENCE_SECONDS", 30.0, least=0.1, most=600)
#: whom discovery asks (channels.discovery): "address:port" of name servers, none: those of the machine; Mozilla's list
DNS_SERVERS: list[str] = env.name_servers("DNS_SERVERS")
MAIL_ISPDB_URL: str = env.web_address_or_off("MAIL_ISPDB_URL", "https://autoconfig.thunderbird.net/v1.1")

#: The portal's own registrations: linking in a few clicks. Empty: each office brings its own.
GOOGLE_CLIENT_ID: str = env.str("GOOGLE_CLIENT_ID", "")
GOOGLE_CLIENT_SECRET: str = env.str("GOOGLE_CLIENT_SECRET", "")
ENTRA_CLIENT_ID: str = env.str("ENTRA_CLIENT_ID", "")
ENTRA_CLIENT_SECRET: str = env.str("ENTRA_CLIENT_SECRET", "")
#: a file with a key and its certificate (PEM), instead of the secret
ENTRA_CLIENT_CERTIFICATE: str = env.str("ENTRA_CLIENT_CERTIFICATE", "")
if ENTRA_CLIENT_CERTIFICATE:
    try:
        read_pair(Path(ENTRA_CLIENT_CERTIFICATE).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyPairProblem) as unusable:
        env.wrong(
            "ENTRA_CLIENT_CERTIFICATE",
            f"cannot be used: {getattr(unusable, 'strerror', None) or unusable}",
            "It names a file with an RSA key without password and its certificate, as PEM.",
        )

#: the day that the portal's own registration ends: its operator is reminded
ENTRA_CLIENT_SECRET_EXPIRES_ON: date | None = env.day("ENTRA_CLIENT_SECRET_EXPIRES_ON")
GOOGLE_CLIENT_SECRET_EXPIRES_ON: date | None = env.day("GOOGLE_CLIENT_SECRET_EXPIRES_ON")
GOOGLE_AUTH_URI: str = env.web_address("GOOGLE_AUTH_URI", "https://accounts.google.com/o/oauth2/v2/auth")
GOOGLE_TOKEN_URI: str = env.web_address("GOOGLE_TOKEN_URI", "https://oauth2.googleapis.com/token")
GOOGLE_REVOKE_URI: str = env.web_address("GOOGLE_REVOKE_URI", "https://oauth2.googleapis.com/revoke")
GMAIL_API_ROOT: str = env.web_address("GMAIL_API_ROOT", "https://gmail.googleapis.com")
ENTRA_AUTHORITY_BASE: str = env.web_address("ENTRA_AUTHORITY_BASE", "https://login.microsoftonline.com")
#: host:port of the mail servers behind the OAuth types; nobody types them
GMAIL_IMAP: str = env.host_port("GMAIL_IMAP", "imap.gmail.com:993")
GMAIL_POP3: str = env.host_port("GMAIL_POP3", "pop.gmail.com:995")
ENTRA_IMAP: str = env.host_port("ENTRA_IMAP", "outlook.office365.com:993")
ENTRA_POP3: str = env.host_port("ENTRA_POP3", "outlook.office365.com:995")

# --- E-mail that the portal sends -----------------------------------------------------------------------
#: on this machine alone nobody else waits for a mail
ONLY_THIS_MACHINE: bool = not env.is_wrong("BASE_URL") and _own_host in _LOOPBACK
_outbox = "consolemail://" if DEBUG else f"filemail:///{quote(str(DATA_DIR / 'outbox'))}"
# Withheld: there is no mail server in a container, so a mail fails and is told instead of lying in a folder.
_email = (
    env.email_url_config("smtp://localhost")
    if "EMAIL_URL" in WITHHELD
    else env.mail("EMAIL_URL", _outbox, must_reach=not (DEBUG or ONLY_THIS_MACHINE))
)
#: Delivers. Every mail passes EMAIL_BACKEND first, which notes whether it left.
EMAIL_DELIVERY_BACKEND: str = _email.pop("EMAIL_BACKEND")
EMAIL_BACKEND = "notifications.outgoing.WatchedBackend"
vars().update(_email)
DEFAULT_FROM_EMAIL: str = env.mailbox("DEFAULT_FROM_EMAIL", f"Zenvoices <noreply@{_site.hostname}>")
EMAIL_TIMEOUT = 20

# --- People ---------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "administrations.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "administrations.passwords.StrengthValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "administrations.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # people come by invitation, which proves the address
ACCOUNT_SESSION_REMEMBER = None  # a choice of whoever signs in
ACCOUNT_FORMS = {"login": "administrations.sign_in_form.SignInForm"}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "administrations.reset_tokens.ResetTokens"  # noqa: S105 (a class)
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
MFA_ADAPTER = "administrations.two_factor.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _site.scheme == "http"
MFA_TOTP_ISSUER = "Zenvoices"
MFA_TOTP_TOLERANCE = 1  # a code counts one step of 30 seconds longer: clocks differ and people type slowly
MFA_FORMS = {
    "add_webauthn": "administrations.passkey_forms.AddPasskeyForm",
    "authenticate": "administrations.code_forms.CodeForm",
    "reauthenticate": "administrations.code_forms.CodeAgainForm",
}
USERSESSIONS_TRACK_ACTIVITY = False
INVITATION_DAYS = 14
#: that one person may send in one environment
INVITATIONS_PER_HOUR: int = env.whole("INVITATIONS_PER_HOUR", 60)
#: administrations knows no channels: what each withdraws when somebody loses a right (administrations.rights.lost)
RESTS_ON_RIGHTS = [
    "channels.authorisation.right_lost",
    "documents.asking.questions.right_lost",
    "documents.forwarding.right_lost",
]

# --- Languages and times --------------------------------------------------------------------------------
LANGUAGE_CODE = "nl"
LANGUAGES = [("nl", _("Dutch")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "zenvoices" / "locale"]
FORMAT_MODULE_PATH = ["zenvoices.formats"]
TIME_ZONE = "Europe/Amsterdam"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

# --- Static files ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "zenvoices" / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "files"},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or TESTING
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS  # looks for a file when it is asked for, not for all at the start

# --- The browser's side of safety -----------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
_https = _site.scheme == "https"
#: proxies in front of us whose forwarded headers are believed (zenvoices.lib.addresses)
TRUSTED_PROXY_COUNT: int = env.whole("TRUSTED_PROXY_COUNT", 0, least=0, most=10)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
# Without a proxy that tells the scheme, each page would be led to itself for ever: zenvoices.checks says so.
SECURE_SSL_REDIRECT = _https and TRUSTED_PROXY_COUNT > 0
SECURE_SSL_HOST = _site.netloc if _https else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^status$"]
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_ENGINE = "zenvoices.lib.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_NAME = "__Host-session" if _https else "zenvoices_session"
CSRF_COOKIE_NAME = "__Host-csrf" if _https else "zenvoices_csrf"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # a provider's redirect must carry the session back
#: a session ends so long after its last use, or with the browser; one that was asked to stay lives SESSION_DAYS
SESSION_IDLE_HOURS: float = env.number("SESSION_IDLE_HOURS", 12.0, least=0.001, most=8784)
#: since signing in, for every session
SESSION_DAYS: int = env.whole("SESSION_DAYS", 14, most=3650)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = int(SESSION_IDLE_HOURS * 3600)
ACCOUNT_SESSION_COOKIE_AGE = SESSION_DAYS * 86_400  # what allauth gives who asks to stay
X_FRAME_OPTIONS = "SAMEORIGIN"
#: W019 asks for DENY: the text of a mail is shown in a sandboxed frame of our own.
SILENCED_SYSTEM_CHECKS = ["security.W019"]
CSRF_FAILURE_VIEW = "zenvoices.errors.csrf_failure"

# --- Operators ------------------------------------------------------------------------------------------
#: /metrics and /status answer loopback, or this bearer token
METRICS_TOKEN: str = env.str("METRICS_TOKEN", "")
LOG_FORMAT: str = env.chosen("LOG_FORMAT", logs.usual_form(debug=DEBUG), *logs.FORMS)
LOGGING = logs.configuration(LOG_FORMAT, env.chosen("LOG_LEVEL", "INFO", *logs.LEVELS))
logs.configure_structlog()
#: faults go there too (zenvoices.lib.sentry)
SENTRY_DSN: str = env.sentry("SENTRY_DSN")
#: traces of requests and tasks go there (zenvoices.lib.otlp); what else OpenTelemetry's SDK reads, it reads itself
OTEL_EXPORTER_OTLP_ENDPOINT: str = env.web_address_or_none("OTEL_EXPORTER_OTLP_ENDPOINT")
OTEL_EXPORTER_OTLP_HEADERS: str = env.http_headers("OTEL_EXPORTER_OTLP_HEADERS")
OTEL_EXPORTER_OTLP_PROTOCOL: str = env.chosen("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "http/protobuf")
for _name, _asked, _package in (
    ("SENTRY_DSN", SENTRY_DSN, "sentry_sdk"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", OTEL_EXPORTER_OTLP_ENDPOINT, "opentelemetry"),
):
    if _asked and not find_spec(_package):
        env.wrong(_name, f"needs {_package.replace('_', '-')}", "Install requirements-observability.txt.")
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(1, "zenvoices.lib.otlp.TracingMiddleware")
else:
    # redis-py loads its SDK wherever it finds one, which takes time at the start and memory for good.
    sys.modules.setdefault("opentelemetry", None)  # type: ignore[arg-type]
#: names in the environment that are nearly settings, for zenvoices.checks: no start waits for the comparing
MISSPELT = env.misspelt
env.stop_if_wrong()
if DEBUG and os.environ.get("PORTAL_FAILPOINT"):
    failpoints.arm(os.environ["PORTAL_FAILPOINT"])
