"""Routes of channels."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
