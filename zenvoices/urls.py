"""Routes; nothing else."""

from django.urls import include, path

from zenvoices import operations

urlpatterns = [
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
    path("status", operations.status, name="status"),
    path("", include("administrations.urls")),
    path("", include("documents.urls")),
    path("", include("notifications.urls")),
    path("", include("channels.pages.urls")),
    path("", include("leaving.urls")),
    path("account/", include("allauth.urls")),
]

handler400 = "zenvoices.errors.bad_request"
handler429 = "zenvoices.errors.too_many_requests"
handler404 = "zenvoices.errors.not_found"
handler403 = "zenvoices.errors.permission_denied"
