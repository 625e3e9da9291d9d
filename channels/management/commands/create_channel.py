"""Links a mailbox from the command line."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from administrations.models import Administration
from channels import check, services
from channels.management.commands._lines import error_line, uuid_argument
from channels.models import Channel
from zenvoices.lib.commands import OperatorCommand, OperatorError, secret_from
from zenvoices.lib.scoping import administration_scope


class Command(OperatorCommand):
    help = "Links a mailbox; active at once, after a connection check."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--administration", required=True, type=uuid_argument)
        parser.add_argument("--name", required=True)
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
        names = ("name", "protocol", "host", "port", "security", "username", "folder")
        fields = {name: options[name] for name in names} | {"auth": Channel.Auth.PASSWORD}
        with administration_scope(administration.pk):
            _validate(administration, fields, password)
            if not options["no_check"]:
                _check(fields, password)
            channel = _create(administration, fields, password)
        self.say({"channel": channel.pk})


def _validate(administration: Administration, fields: dict[str, Any], password: str) -> None:
    try:
        services.validate(fields, password)
        Channel(administration=administration, **fields).clean_fields()
    except ValidationError as problem:
        raise OperatorError("invalid", " ".join(problem.messages)) from problem


def _check(fields: dict[str, Any], password: str) -> None:
    target = check.Target(
        **{name: value for name, value in fields.items() if name != "name"}, secrets={"password": password}
    )
    failed = next((step.error for step in check.run_check(target) if step.error), None)
    if failed:
        line = error_line(failed.code, dict(failed.detail))
        raise OperatorError(failed.code, line["text"] if line else failed.code)


def _create(administration: Administration, fields: dict[str, Any], password: str) -> Channel:
    try:
        return services.create_channel(administration, password=password, activate=True, by=None, **fields)
    except services.NotPremium:
        raise OperatorError("not_premium", "Channels need a Premium administration.") from None
