"""People, environments and administrations."""

from django.urls import include, path

from administrations import (
    audit_views,
    environment_views,
    invitation_views,
    people_views,
    security_views,
    settings_views,
    views,
)

_administration = [
    path("enter", views.enter, name="enter-administration"),
    path("people", people_views.people, name="administration-people"),
    path("people/invite", people_views.invite, name="administration-invite"),
    path("people/<uuid:person_id>/role", people_views.role, name="administration-role"),
    path("people/<uuid:person_id>/remove", people_views.remove, name="administration-remove"),
    path("invitations/<uuid:invitation_id>/resend", people_views.resend, name="administration-invitation-resend"),
    path("invitations/<uuid:invitation_id>/withdraw", people_views.withdraw, name="administration-invitation-withdraw"),
    path("settings", people_views.settings, name="administration-settings"),
    path("activity", audit_views.of_administration, name="administration-activity"),
    path("activity.csv", audit_views.csv_of_administration, name="administration-activity-csv"),
]

_environment = [
    path("activity", audit_views.of_environment, name="environment-activity"),
    path("activity.csv", audit_views.csv_of_environment, name="environment-activity-csv"),
    path("administrations", environment_views.administrations, name="environment-administrations"),
    path("administrations/new", environment_views.new_administration, name="environment-administration-new"),
    path(
        "administrations/<uuid:edited_id>",
        environment_views.edit_administration,
        name="environment-administration-edit",
    ),
    path("people", environment_views.people, name="environment-people"),
    path("people/invite", environment_views.invite, name="environment-invite"),
    path("people/<uuid:person_id>", environment_views.person, name="environment-person"),
    path("people/<uuid:person_id>/remove", environment_views.remove_person, name="environment-person-remove"),
    path(
        "people/<uuid:person_id>/sessions/end",
        security_views.end_sessions_of_person,
        name="environment-person-sessions-end",
    ),
    path("settings", security_views.settings, name="environment-settings"),
    path("two-factor", security_views.two_factor_needed, name="two-factor-needed"),
    path("sessions", security_views.sessions, name="environment-sessions"),
    path("sessions/<int:session_id>/end", security_views.end_session, name="environment-session-end"),
    path("invitations/<uuid:invitation_id>/resend", environment_views.resend, name="environment-invitation-resend"),
    path(
        "invitations/<uuid:invitation_id>/withdraw", environment_views.withdraw, name="environment-invitation-withdraw"
    ),
]

urlpatterns = [
    path("", views.home, name="home"),
    path("language", views.set_language, name="set-language"),
    path("session", views.session, name="session"),
    path("settings", settings_views.my_settings, name="my-settings"),
    path("settings/security", settings_views.my_security, name="my-security"),
    path("invitation/<str:token>", invitation_views.invitation, name="invitation"),
    path("administrations", views.switch, name="switch-administration"),
    path("administrations/<uuid:administration_id>/", include(_administration)),
    path("environments/<uuid:environment_id>/", include(_environment)),
    # People come by invitation and sign in with the address that was invited; allauth's own pages for
    # signing up and changing addresses stay shut, and its overview of the second step is ours.
    path("account/email/", views.not_offered, name="account_email"),
    path("account/signup/", views.not_offered, name="account_signup"),
    path("account/2fa/", settings_views.my_security, name="mfa_index"),
]
