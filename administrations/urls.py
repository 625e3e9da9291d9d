"""People, environments and administrations."""

from django.urls import path

from administrations import views

urlpatterns = [
    path("", views.home, name="home"),
    path("language", views.set_language, name="set-language"),
    path("administrations/<uuid:administration_id>/enter", views.enter, name="enter-administration"),
    path("settings", views.home, name="my-settings"),
    path("administrations/<uuid:administration_id>/people", views.enter, name="administration-people"),
    path("administrations/<uuid:administration_id>/settings", views.enter, name="administration-settings"),
    path("environments/<uuid:environment_id>/administrations", views.enter, name="environment-administrations"),
    path("environments/<uuid:environment_id>/people", views.enter, name="environment-people"),
]
