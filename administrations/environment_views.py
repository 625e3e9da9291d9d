"""Manage / Environment: its administrations and its people."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from administrations import meanwhile, services
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
from administrations.access_form import FIND, AccessForm, EnvironmentInviteForm, role_name
from administrations.forms import AdministrationForm
from administrations.invitations import refused_for_now, send_invitation
from administrations.models import Administration, AdministrationAccess, Environment, User
from administrations.people_views import changed_meanwhile, say_sent, send_again, take_back
from administrations.second_step import second_steps
from zenvoices.lib.paging import SHORT_PAGE, page_of, searched, with_words

#: of a person, in the list
ROLES_SHOWN = 3
INVITATIONS_SHOWN = 20
_ROLES_HERE = "administration_access"
#: lines of the audit trail
_ROLE_LINES = ("role.given", "role.changed", "role.removed")


@require_safe
@environment_view
def administrations(request: EnvironmentRequest) -> HttpResponse:
    words = searched(request.GET)
    found = administrations_in(request.environment).filter(with_words(words, "name")).annotate(people=Count("access"))
    page = page_of(found.order_by("name", "id"), request.GET.get("page"))
    return render(request, "administrations/administrations.html", {"page": page, "words": words})


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def new_administration(request: EnvironmentRequest) -> HttpResponse:
    form = AdministrationForm(request.POST or None, environment=request.environment)
    if not form.is_valid():
        return render(
            request, "administrations/administration.html", {"form": form}, status=422 if form.errors else 200
        )
    made = services.create_administration(environment=request.environment, **form.typed)
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
    try:
        services.change_administration(administration=edited, **form.typed, was_seen=form.was_seen)
    except services.ChangedMeanwhile:
        found = changed_meanwhile(form) | {"edited": administration_in(request.environment, edited_id)}
        return render(request, "administrations/administration.html", found, status=422)
    messages.success(request, _("%(name)s is saved.") % {"name": edited})
    return redirect("environment-administrations", request.environment.pk)


@require_safe
@environment_view
def people(request: EnvironmentRequest) -> HttpResponse:
    environment, words = request.environment, searched(request.GET)
    named = people_of_environment(environment).filter(with_words(words, "name", "email"))
    found = named.annotate(
        has_second_step=Exists(second_steps().filter(user=OuterRef("pk"))),
        is_admin=Exists(environment.admins.filter(user=OuterRef("pk"))),
        roles_count=Count(_ROLES_HERE, filter=Q(**{f"{_ROLES_HERE}__administration__environment": environment})),
    )
    # Who still has to set up a second step stands first, where it is asked for.
    first = ["has_second_step"] if environment.requires_two_factor else []
    ordered = found.order_by(*first, "name", "email").prefetch_related(_roles(environment))
    page = page_of(ordered, request.GET.get("page"), SHORT_PAGE)
    invitations = list(open_invitations(environment).filter(with_words(words, "email"))[: INVITATIONS_SHOWN + 1])
    context = {
        "people": page.object_list,
        "page": page,
        "words": words,
        "invitations": invitations[:INVITATIONS_SHOWN],
        "more_invitations": len(invitations) > INVITATIONS_SHOWN,
    }
    return render(request, "administrations/environment_people.html", context)


def _roles(environment: Environment) -> Prefetch[str]:
    """As many as a line shows."""
    roles = AdministrationAccess.objects.filter(administration__environment=environment)
    shown = roles.select_related("administration").order_by("administration__name")[:ROLES_SHOWN]
    return Prefetch(_ROLES_HERE, shown, to_attr="roles_here")


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def invite(request: EnvironmentRequest) -> HttpResponse:
    environment = request.environment
    taken = people_of_environment(environment)
    if _looks(request):
        form = EnvironmentInviteForm.listing(administrations_in(environment), request.POST, {}, taken=taken)
        return render(request, "administrations/environment_invite.html", {"form": form})
    form = EnvironmentInviteForm.sent(administrations_in(environment), request.POST, {}, taken=taken)
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
    now, reachable = _access_of(user, environment), _where_first(user, environment)
    if _looks(request):
        form = AccessForm.listing(reachable, request.POST, now, line=meanwhile.line_of(environment_id=environment.pk))
        return render(request, "administrations/environment_person.html", {"form": form, "person": user})
    form = AccessForm.sent(reachable, request.POST, now)
    if form.is_valid():
        try:
            services.set_access(
                environment=environment,
                user=user,
                environment_admin=form.cleaned_data["environment_admin"],
                roles=form.roles(),
                among=[each.pk for each in form.administrations],
                was=form.was_seen,
            )
        except services.ChangedMeanwhile:
            return _person_changed(request, user, form)
        except services.LastAdministrator:
            form.add_error("environment_admin", _last_administrator())
        else:
            messages.success(request, _("The access of %(name)s is saved.") % {"name": user})
            return _back(request, user)
    found = {"form": form, "person": user}
    return render(request, "administrations/environment_person.html", found, status=422 if form.errors else 200)


def _person_changed(request: EnvironmentRequest, user: User, form: AccessForm) -> HttpResponse:
    """Somebody else gave or took a right since this form was opened."""
    environment = request.environment
    who = meanwhile.by_whom(form.was_seen, user, _ROLE_LINES, environment_id=environment.pk)
    now, reachable = _access_of(user, environment), _where_first(user, environment)
    line = meanwhile.line_of(environment_id=environment.pk)
    form = AccessForm.listing(reachable, form.own(request.POST), now, line=line)
    found = {"form": form, "person": user, "told": meanwhile.said(who)}
    return render(request, "administrations/environment_person.html", found, status=422)


def _looks(request: EnvironmentRequest) -> bool:
    """Nothing is sent yet: the page is opened, or administrations are looked for."""
    return request.method != "POST" or FIND in request.POST


def _where_first(user: User, environment: Environment) -> QuerySet[Administration]:
    """Those in which the person has a role, then the others."""
    role = AdministrationAccess.objects.filter(user=user, administration=OuterRef("pk"))
    return administrations_in(environment).annotate(has_role=Exists(role)).order_by("-has_role", "name", "id")


def _access_of(user: User, environment: Environment) -> dict[str, object]:
    roles = AdministrationAccess.objects.filter(user=user, administration__environment=environment)
    return {
        "environment_admin": is_environment_admin(user, environment),
        **{role_name(access.administration_id): access.role for access in roles},
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
        found = {"person": user, "place": environment, "back": reverse("environment-people", args=[environment.pk])}
        return render(request, "administrations/remove.html", found)
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
