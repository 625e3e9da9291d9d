"""Routes of leaving."""

from django.urls import path

from leaving import views

urlpatterns = [
    path("administrations/<uuid:administration_id>/export", views.export, name="export"),
    path("administrations/<uuid:administration_id>/export/<uuid:export_id>.zip", views.download, name="export-file"),
]
