from importlib import import_module

from django.apps import AppConfig


class AdministrationsConfig(AppConfig):
    name = "administrations"

    def ready(self) -> None:
        import_module("administrations.audit_people").listen()
        import_module("administrations.second_step").listen()
