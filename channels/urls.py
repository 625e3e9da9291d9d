"""Routes of channels."""

from django.urls import URLPattern, URLResolver, include, path

from channels import consent_views, form_views, logbook_views, oauth_views, views
from channels.providers import CALLBACK_PATHS

_channel: list[URLPattern | URLResolver] = [
    path("edit", form_views.channel_edit, name="channel-edit"),
    path("row", views.channel_row, name="channel-row"),
    path("fetch", views.channel_fetch, name="channel-fetch"),
    path("pause", views.channel_pause, name="channel-pause"),
    path("activate", form_views.channel_activate, name="channel-activate"),
    path("connect", oauth_views.channel_connect, name="channel-connect"),
    path("disconnect", oauth_views.channel_disconnect, name="channel-disconnect"),
    path("consent", consent_views.channel_consent, name="channel-consent"),
    path("consent/<uuid:link_id>/withdraw", consent_views.consent_withdraw, name="channel-consent-withdraw"),
    path("delete", views.channel_delete, name="channel-delete"),
    path("undo-delete", views.channel_undo_delete, name="channel-undo-delete"),
    path("logbook", logbook_views.logbook, name="logbook"),
    path("logbook/<uuid:run_id>", logbook_views.run, name="run"),
    path("logbook/<uuid:run_id>/read-elsewhere", logbook_views.take_read_elsewhere, name="run-read-elsewhere"),
    path("mails/<uuid:mail_id>/retry", logbook_views.retry_mail, name="channel-mail-retry"),
    path("mails/<uuid:mail_id>/mail.eml", logbook_views.mail_eml, name="channel-mail-eml"),
    path("parts/<uuid:part_id>/take", logbook_views.take_part, name="channel-part-take"),
]
_channels: list[URLPattern | URLResolver] = [
    path("", views.channels, name="channels"),
    path("new", form_views.channel_new, name="channel-new"),
    path("new/email", form_views.channel_new_email, name="channel-new-email"),
    path("<uuid:channel_id>/", include(_channel)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("administration/<uuid:administration_id>/channels/", include(_channels)),
    # Registered by customers in their own Google and Entra projects: these two never change.
    path(CALLBACK_PATHS["google"].lstrip("/"), oauth_views.google_arrival, name="google-arrival"),
    path(CALLBACK_PATHS["entra"].lstrip("/"), oauth_views.entra_arrival, name="entra-arrival"),
    path("consent/done", consent_views.consent_done, name="consent-done"),
    path("consent/<str:token>", consent_views.consent, name="consent"),
    path("consent/<str:token>/go", consent_views.consent_go, name="consent-go"),
    path("environment/<uuid:environment_id>/channels", views.environment_channels, name="environment-channels"),
]
