"""Manage / Environment: its administrations and its people."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from administrations import services
from administrations.access import (
    EnvironmentRequest,
    administration_in,
    administrations_in,
    environment_view,
    invitation_in,
    is_environment_admin,
    open_invitations,
    people_of_environment,
    person_in_environment,
)
from administrations.forms import AccessForm, AdministrationForm, EnvironmentInviteForm
from administrations.invitations import refused_for_now, send_invitation
from administrations.models import AdministrationAccess, Environment, User
from administrations.people_views import say_sent, send_again, take_back
from administrations.second_step import second_steps


@require_safe
@environment_view
def administrations(request: EnvironmentRequest) -> HttpResponse:
    found = administrations_in(request.environment).annotate(people=Count("access"))
    return render(request, "administrations/administrations.html", {"administrations": found})


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def new_administration(request: EnvironmentRequest) -> HttpResponse:
    form = AdministrationForm(request.POST or None, environment=request.environment)
    if not form.is_valid():
        return render(
            request, "administrations/administration.html", {"form": form}, status=422 if form.errors else 200
        )
    made = services.create_administration(environment=request.environment, **form.cleaned_data)
    messages.success(request, _("%(name)s is ready.") % {"name": made})
    return redirect("environment-administrations", request.environment.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def edit_administration(request: EnvironmentRequest, edited_id: UUID) -> HttpResponse:
    edited = administration_in(request.environment, edited_id)
    form = AdministrationForm(request.POST or None, instance=edited, environment=request.environment)
    if not form.is_valid():
        found = {"form": form, "edited": administration_in(request.environment, edited_id)}
        return render(request, "administrations/administration.html", found, status=422 if form.errors else 200)
    services.change_administration(administration=edited, **form.cleaned_data)
    messages.success(request, _("%(name)s is saved.") % {"name": edited})
    return redirect("environment-administrations", request.environment.pk)


@require_safe
@environment_view
def people(request: EnvironmentRequest) -> HttpResponse:
    environment = request.environment
    roles = AdministrationAccess.objects.filter(administration__environment=environment)
    found = {
        "people": people_of_environment(environment).prefetch_related(
            Prefetch(
                "administration_access",
                roles.select_related("administration").order_by("administration__name"),
                to_attr="roles_here",
            )
        ),
        "admin_ids": set(environment.admins.values_list("user_id", flat=True)),
        "invitations": open_invitations(environment),
        "second_step_ids": set(
            second_steps().filter(user__in=people_of_environment(environment)).values_list("user_id", flat=True)
        ),
    }
    return render(request, "administrations/environment_people.html", found)


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def invite(request: EnvironmentRequest) -> HttpResponse:
    environment = request.environment
    form = EnvironmentInviteForm(
        request.POST or None,
        administrations=administrations_in(environment),
        taken=people_of_environment(environment).values_list("email", flat=True),
    )
    if form.is_valid() and (refusal := refused_for_now(environment, request.user)):
        form.add_error(None, refusal)
    if not form.is_valid():
        return render(
            request, "administrations/environment_invite.html", {"form": form}, status=422 if form.errors else 200
        )
    invitation, token = services.invite(
        environment=environment,
        email=form.cleaned_data["email"],
        environment_admin=form.cleaned_data["environment_admin"],
        roles=form.roles(),
        by=request.user,
    )
    say_sent(request, invitation, sent=send_invitation(invitation, token))
    return redirect("environment-people", environment.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def person(request: EnvironmentRequest, person_id: UUID) -> HttpResponse:
    environment = request.environment
    user = person_in_environment(environment, person_id)
    form = AccessForm(
        request.POST or None, administrations=administrations_in(environment), initial=_access_of(user, environment)
    )
    if form.is_valid():
        try:
            services.set_access(
                environment=environment,
                user=user,
                environment_admin=form.cleaned_data["environment_admin"],
                roles=form.roles(),
            )
        except services.LastAdministrator:
            form.add_error("environment_admin", _last_administrator())
        else:
            messages.success(request, _("The access of %(name)s is saved.") % {"name": user})
            return _back(request, user)
    found = {"form": form, "person": user}
    return render(request, "administrations/environment_person.html", found, status=422 if form.errors else 200)


def _access_of(user: User, environment: Environment) -> dict[str, object]:
    roles = AdministrationAccess.objects.filter(user=user, administration__environment=environment)
    return {
        "environment_admin": is_environment_admin(user, environment),
        **{f"role_{access.administration_id}": access.role for access in roles},
    }


def _last_administrator() -> str:
    return _("An environment keeps at least one administrator. Make somebody else administrator first.")


def _back(request: EnvironmentRequest, changed: User) -> HttpResponse:
    """Whoever took their own rights away cannot see the list any more."""
    if changed == request.user and not is_environment_admin(request.user, request.environment):
        return redirect("home")
    return redirect("environment-people", request.environment.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def remove_person(request: EnvironmentRequest, person_id: UUID) -> HttpResponse:
    environment = request.environment
    user = person_in_environment(environment, person_id)
    if request.method != "POST":
        return render(request, "administrations/remove.html", {"person": user, "place": environment})
    try:
        services.remove_person(environment=environment, user=user)
    except services.LastAdministrator:
        messages.error(request, _last_administrator())
        return redirect("environment-people", environment.pk)
    messages.success(request, _("%(name)s has no access any more.") % {"name": user})
    return _back(request, user)


@require_POST
@environment_view
def resend(request: EnvironmentRequest, invitation_id: UUID) -> HttpResponse:
    invitation = invitation_in(request.environment, invitation_id)
    send_again(request, invitation)
    return redirect("environment-people", request.environment.pk)


@require_POST
@environment_view
def withdraw(request: EnvironmentRequest, invitation_id: UUID) -> HttpResponse:
    invitation = invitation_in(request.environment, invitation_id)
    take_back(request, invitation)
    return redirect("environment-people", request.environment.pk)
