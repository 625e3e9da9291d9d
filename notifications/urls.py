"""Routes of notifications."""

from django.urls import URLPattern, path

from notifications import views

urlpatterns: list[URLPattern] = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/read", views.read_all, name="notifications-read"),
    path("notifications/<uuid:notification_id>/open", views.open_one, name="notification-open"),
    path("notifications/<uuid:notification_id>/read", views.read_one, name="notification-read"),
]
