"""Makes an administration, and its environment and first Beheerder where they are missing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from administrations import services
from administrations.models import Administration, Environment, User
from zenvoices.lib.commands import OperatorCommand, OperatorError, secret_from
from zenvoices.lib.lines import plain_line


class Command(OperatorCommand):
    help = "Creates an administration; reuses an environment and a user that exist."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--environment", required=True, type=plain_line, help="name of the environment (the accounting office)"
        )
        parser.add_argument("--name", required=True, type=plain_line, help="name of the administration")
        parser.add_argument("--plan", required=True, choices=Administration.Plan.values)
        parser.add_argument("--admin", required=True, help="email address of the administrator of the environment")
        parser.add_argument(
            "--password-env", required=True, help="environment variable with the password of a new user"
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        environment_name, name = options["environment"].strip(), options["name"].strip()
        if not environment_name or not name:
            raise CommandError("a name is empty")
        admin = _person(options["admin"].strip().lower(), secret_from(options["password_env"]))
        environment = Environment.objects.filter(name=environment_name).first()
        if environment is None:
            environment = services.create_environment(name=environment_name, admin=admin)
        else:
            services.add_environment_admin(environment=environment, user=admin)
        if environment.administrations.filter(name=name).exists():
            raise OperatorError("administration_exists", f"{environment_name} already has an administration {name}")
        made = services.create_administration(environment=environment, name=name, plan=options["plan"])
        self.say({"administration": made.pk, "environment": environment.pk, "user": admin.email})


def _person(email: str, password: str) -> User:
    """A person who exists keeps their password."""
    known = User.objects.filter(email=email).first()
    if known:
        return known
    try:
        validate_email(email)
    except ValidationError as error:
        raise CommandError(f"{email} is not an email address") from error
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise OperatorError("weak_password", " ".join(error.messages)) from error
    return User.objects.create_user(email, password, language="nl")
