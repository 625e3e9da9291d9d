"""Routes of leaving."""

from django.urls import include, path

from leaving import erase_views, retention_views, views

_administration = [
    path("export", views.export, name="export"),
    path("export/<uuid:export_id>.zip", views.download, name="export-file"),
    path("retention", retention_views.page, name="retention"),
    path("retention/erase", erase_views.documents, name="erase-documents"),
]

_environment = [
    path("administrations/<uuid:erased_id>/erase", erase_views.administration, name="erase-administration"),
    path("people/<uuid:person_id>/erase", erase_views.person, name="erase-person"),
    path("erase", erase_views.environment, name="erase-environment"),
    path("erasures", erase_views.erasures, name="erasures"),
]

urlpatterns = [
    path("administrations/<uuid:administration_id>/", include(_administration)),
    path("environments/<uuid:environment_id>/", include(_environment)),
    path("settings/erase", erase_views.myself, name="erase-myself"),
    path("erasures/<uuid:erasure_id>", erase_views.erasure, name="erasure"),
]
