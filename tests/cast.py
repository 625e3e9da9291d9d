"""The people and administrations of every test.

Kantoor Jansen: Anna is Beheerder of the environment; in Bakkerij De Vries (premium) Bert is Beheerder, Gerda Gebruiker
and Arie Aanleveraar. Charlie works at another office, Kantoor Vreemd, and must never see any of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from administrations.models import Administration, AdministrationAccess, Environment, EnvironmentAdmin, Role, User

PASSWORD = "Correct-paard-9"


@dataclass(frozen=True)
class Cast:
    office: Environment
    bakery: Administration
    basic: Administration
    anna: User
    bert: User
    gerda: User
    arie: User
    foreign_office: Environment
    foreign: Administration
    charlie: User


def person(email: str, name: str, **fields: object) -> User:
    return User.objects.create_user(email, PASSWORD, name=name, **fields)


def make_cast() -> Cast:
    office = Environment.objects.create(name="Kantoor Jansen")
    bakery = Administration.objects.create(environment=office, name="Bakkerij De Vries", plan="premium")
    basic = Administration.objects.create(environment=office, name="Kapsalon Knip", plan="basic")
    foreign_office = Environment.objects.create(name="Kantoor Vreemd")
    foreign = Administration.objects.create(environment=foreign_office, name="Garage Vreemd", plan="premium")
    cast = Cast(
        office=office,
        bakery=bakery,
        basic=basic,
        anna=person("anna@jansen.test", "Anna Jansen"),
        bert=person("bert@devries.test", "Bert de Vries"),
        gerda=person("gerda@devries.test", "Gerda Bakker"),
        arie=person("arie@devries.test", "Arie Levering"),
        foreign_office=foreign_office,
        foreign=foreign,
        charlie=person("charlie@vreemd.test", "Charlie Vreemd"),
    )
    EnvironmentAdmin.objects.create(environment=office, user=cast.anna)
    EnvironmentAdmin.objects.create(environment=foreign_office, user=cast.charlie)
    for user, role in ((cast.bert, Role.ADMIN), (cast.gerda, Role.USER), (cast.arie, Role.SUBMITTER)):
        AdministrationAccess.objects.create(administration=bakery, user=user, role=role)
    return cast
