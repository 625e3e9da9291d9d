"""People, environments and administrations."""

from django.urls import path

from administrations import views

urlpatterns = [
    path("", views.home, name="home"),
]
