"""Links a mailbox from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import translation

from administrations.models import Administration
from channels import check, services
from channels.management.commands._lines import error_line, uuid_argument
from channels.models import Channel
from channels.pages.forms import ChannelForm
from zenvoices.lib.commands import OperatorCommand, OperatorError, secret_from
from zenvoices.lib.lines import plain_line
from zenvoices.lib.scoping import administration_scope


class Command(OperatorCommand):
    help = "Links a mailbox; active at once, after a connection check."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--administration", required=True, type=uuid_argument)
        parser.add_argument("--name", required=True, type=plain_line)
        parser.add_argument("--protocol", required=True, choices=Channel.Protocol.values)
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", required=True, type=int)
        parser.add_argument("--security", required=True, choices=Channel.Security.values)
        parser.add_argument("--username", required=True)
        parser.add_argument("--password-env", required=True, help="the environment variable that holds the password")
        parser.add_argument("--folder", default="INBOX")
        parser.add_argument("--no-check", action="store_true")

    def handle(self, **options: Any) -> None:
        password = secret_from(options["password_env"])
        administration = Administration.objects.filter(pk=options["administration"]).first()
        if administration is None:
            raise OperatorError("not_found", f"There is no administration {options['administration']}.")
        fields = _read({**options, "auth": Channel.Auth.PASSWORD, "password": password})
        with administration_scope(administration.pk):
            if not options["no_check"]:
                _check(fields, password)
            channel = _create(administration, fields, password)
        self.say({"channel": channel.pk})


def _read(typed: dict[str, Any]) -> dict[str, Any]:
    """The fields as the form of the pages reads them."""
    with translation.override("en"):
        form = ChannelForm(typed)
        if not form.is_valid():
            said = [f"{name}: {' '.join(map(str, problems))}" for name, problems in form.errors.items()]
            raise OperatorError("invalid", " ".join(said))
    return form.channel_fields


def _check(fields: dict[str, Any], password: str) -> None:
    target = check.Target(**{name: fields[name] for name in check.TYPED}, secrets={"password": password})
    failed = next((step.error for step in check.run_check(target) if step.error), None)
    if failed:
        line = error_line(failed.code, fields | failed.detail)
        raise OperatorError(failed.code, line["text"] if line else failed.code)


def _create(administration: Administration, fields: dict[str, Any], password: str) -> Channel:
    try:
        return services.create_channel(administration, password=password, activate=True, by=None, **fields)
    except services.NotPremium:
        raise OperatorError("not_premium", "Channels need a Premium administration.") from None
