"""Manage / Administration: users and permissions, and the administration's own settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from administrations import meanwhile, services
from administrations.access import (
    AdministrationRequest,
    EnvironmentRequest,
    access_in,
    administration_view,
    invitation_in,
    is_environment_admin,
    only_about,
    open_invitations,
    people_with_access,
)
from administrations.forms import AdministrationForm, InviteForm, RoleForm
from administrations.invitations import refused_for_now, send_invitation
from administrations.models import Administration, Invitation, Role
from zenvoices.lib import seen
from zenvoices.lib.paging import SHORT_PAGE, page_of, searched, with_words

_BY_NAME = ("user__name", "user__email")


@require_safe
@administration_view(Role.ADMIN)
def people(request: AdministrationRequest) -> HttpResponse:
    here = request.administration
    words = searched(request.GET)
    of_here = Q(environment_admin=True) | Q(roles__has_key=str(here.pk))
    asked = open_invitations(here.environment).filter(of_here, with_words(words, "email"))
    in_name = with_words(words, "user__name", "user__email")
    found_here = here.access.filter(in_name).select_related("user").order_by(*_BY_NAME)
    page = page_of(found_here, request.GET.get("page"), SHORT_PAGE)
    admins = here.environment.admins.filter(in_name).select_related("user").order_by(*_BY_NAME)
    found = {
        "admins": admins[:SHORT_PAGE] if page.number == 1 else [],
        "access": page.object_list,
        "page": page,
        "words": words,
        "invitations": [(i, _role_label(i, here), _may_change(request, i)) for i in asked[:SHORT_PAGE]],
        "roles": Role.choices,
    }
    return render(request, "administrations/people.html", found)


def _role_label(invitation: Invitation, administration: Administration) -> str:
    if invitation.environment_admin:
        return _("Administrator of the environment")
    return str(Role(invitation.roles[str(administration.pk)]).label)


def _may_change(request: AdministrationRequest, invitation: Invitation) -> bool:
    here = request.administration
    return only_about(invitation, here) or is_environment_admin(request.user, here.environment)


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.ADMIN)
def invite(request: AdministrationRequest) -> HttpResponse:
    here = request.administration
    form = InviteForm(request.POST or None, taken=people_with_access(here))
    if form.is_valid() and (refusal := refused_for_now(here.environment, request.user)):
        form.add_error(None, refusal)
    if not form.is_valid():
        return render(request, "administrations/invite.html", {"form": form}, status=422 if form.errors else 200)
    invitation, token = services.invite(
        environment=here.environment,
        email=form.cleaned_data["email"],
        environment_admin=False,
        roles={here.pk: Role(form.cleaned_data["role"])},
        by=request.user,
    )
    say_sent(request, invitation, sent=send_invitation(invitation, token))
    return redirect("administration-people", here.pk)


def say_sent(request: HttpRequest, invitation: Invitation, *, sent: bool) -> None:
    if sent:
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": invitation.email})
    else:
        messages.error(
            request, _("The email to %(email)s could not be sent. Send it again later.") % {"email": invitation.email}
        )


def send_again(request: AdministrationRequest | EnvironmentRequest, invitation: Invitation) -> None:
    if refusal := refused_for_now(invitation.environment, request.user):
        messages.error(request, refusal)
        return
    try:
        token = services.renew_invitation(invitation=invitation, by=request.user)
    except services.InvitationClosed:
        messages.info(request, _ended(invitation))
    else:
        say_sent(request, invitation, sent=send_invitation(invitation, token))


def _ended(invitation: Invitation) -> str:
    """Between reading the list and pressing the button."""
    invitation.refresh_from_db(fields=["accepted_at"])
    return _("This invitation is already used") if invitation.accepted_at else _("This invitation is withdrawn")


def take_back(request: HttpRequest, invitation: Invitation) -> None:
    try:
        services.withdraw_invitation(invitation=invitation)
    except services.InvitationClosed:
        messages.info(request, _ended(invitation))
    else:
        messages.success(request, _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email})


@require_POST
@administration_view(Role.ADMIN)
def role(request: AdministrationRequest, person_id: UUID) -> HttpResponse:
    here, access = request.administration, access_in(request.administration, person_id)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            services.change_role(administration=here, user=access.user, role=Role(form.cleaned_data["role"]))
        except services.AccessEnded:
            messages.info(request, _("%(name)s has no access any more.") % {"name": access.user})
        else:
            messages.success(request, _("The role of %(name)s is changed.") % {"name": access.user})
    return redirect("administration-people", here.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.ADMIN)
def remove(request: AdministrationRequest, person_id: UUID) -> HttpResponse:
    here, access = request.administration, access_in(request.administration, person_id)
    if request.method != "POST":
        found = {"person": access.user, "place": here, "back": reverse("administration-people", args=[here.pk])}
        return render(request, "administrations/remove.html", found)
    services.set_role(administration=here, user=access.user, role=None)
    messages.success(request, _("%(name)s has no access any more.") % {"name": access.user})
    return redirect("home") if access.user == request.user else redirect("administration-people", here.pk)


@require_POST
@administration_view(Role.ADMIN)
def resend(request: AdministrationRequest, invitation_id: UUID) -> HttpResponse:
    invitation = _changeable(request, invitation_id)
    send_again(request, invitation)
    return redirect("administration-people", request.administration.pk)


@require_POST
@administration_view(Role.ADMIN)
def withdraw(request: AdministrationRequest, invitation_id: UUID) -> HttpResponse:
    invitation = _changeable(request, invitation_id)
    take_back(request, invitation)
    return redirect("administration-people", request.administration.pk)


def _changeable(request: AdministrationRequest, invitation_id: UUID) -> Invitation:
    invitation = invitation_in(request.administration.environment, invitation_id)
    if not _may_change(request, invitation):
        raise PermissionDenied
    return invitation


def changed_meanwhile(form: AdministrationForm) -> dict[str, Any]:
    """The form as it stands now, with what this person changed in it, and who changed it meanwhile."""
    edited, was = form.instance, form.was_seen
    who = meanwhile.by_whom(was, edited, ["administration.changed"], environment_id=edited.environment_id)
    edited.refresh_from_db()
    again = AdministrationForm(instance=edited, initial=seen.own(form.typed, was), environment=form.environment)
    return {"form": again, "told": meanwhile.said(who)}


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.ADMIN)
def settings(request: AdministrationRequest) -> HttpResponse:
    """The plan is shown; only a Beheerder of the environment changes it."""
    here = request.administration
    fixed = {} if is_environment_admin(request.user, here.environment) else {"plan": here.plan}
    data = {**request.POST.dict(), **fixed} if request.method == "POST" else None
    form = AdministrationForm(data, instance=here, environment=here.environment)
    if not form.is_valid():
        here.refresh_from_db()
        found = {"form": form, "plan_is_fixed": bool(fixed)}
        return render(request, "administrations/settings.html", found, status=422 if form.errors else 200)
    try:
        services.change_administration(administration=here, **form.typed, was_seen=form.was_seen)
    except services.ChangedMeanwhile:
        found = changed_meanwhile(form) | {"plan_is_fixed": bool(fixed)}
        return render(request, "administrations/settings.html", found, status=422)
    messages.success(request, _("The settings are saved."))
    return redirect("administration-settings", here.pk)
