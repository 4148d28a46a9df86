"""Doors around any record: comment, follow, attach; the record's own right decides, and a foreign record is a 404."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import refs, selectors
from ..access import entrance, signed_in
from ..activity_forms import AttachmentForm, CommentForm
from ..http import PersonRequest
from ..services import activity


@signed_in
def timeline(request: PersonRequest) -> HttpResponse:
    """One record's whole story, page by page; also where a comment that could not be saved is corrected."""
    card = refs.open_or_404(request.GET.get("ref", ""), request.user)
    return story(request, card, before=request.GET.get("before", ""))


@entrance(post="core.comment.create")
@require_POST
def comment(request: PersonRequest) -> HttpResponse:
    card = refs.open_or_404(request.POST.get("ref", ""), request.user)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            said = activity.comment(ref=card.ref, body=form.cleaned_data["body"], by=request.user)
        except activity.NobodySure as problem:
            for written, people in problem.names.items():
                form.add_error("body", _ambiguous(written, [str(person.name) for person in people]))
        else:
            _tell_what_happened(request, said)
            return redirect(f"{card.url}#comment-{said.comment.pk}")
    return story(request, card, form=form, status=422)


@entrance(post="core.comment.read")
@require_POST
def follow(request: PersonRequest) -> HttpResponse:
    card = refs.open_or_404(request.POST.get("ref", ""), request.user)
    if request.POST.get("follow") == "no":
        activity.unfollow(ref=card.ref, user=request.user)
        messages.info(request, _("You no longer follow %(what)s.") % {"what": card.label})
    else:
        activity.follow(ref=card.ref, users=[request.user])
        messages.info(request, _("You follow %(what)s and hear of every comment.") % {"what": card.label})
    return redirect(card.url)


def story(
    request: PersonRequest,
    card: refs.Card,
    *,
    before: str = "",
    form: CommentForm | None = None,
    attachment_form: AttachmentForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of one record's story, with a form that could not be taken."""
    context = {
        "card": card,
        "activity": selectors.activity(card.ref, request.user, before=before),
        "form": form or CommentForm(),
        "attachment_form": attachment_form,
        "is_older": bool(before),
    }
    return render(request, "core/activity/timeline.html", context, status=status)


def _ambiguous(written: str, names: list[str]) -> str:
    return _("“@%(written)s” can be %(names)s. Write the whole name or the e-mail; nothing was sent.") % {
        "written": written,
        "names": get_text_list(names, _("or")),
    }


def _tell_what_happened(request: PersonRequest, said: activity.Said) -> None:
    if said.told:
        messages.info(request, _("%(names)s was told.") % {"names": get_text_list(said.told, _("and"))})
    if said.shut_out:
        names = get_text_list(said.shut_out, _("and"))
        messages.warning(request, _("%(names)s may not open this record and was not told.") % {"names": names})
    if said.unknown:
        names = get_text_list([f"@{name}" for name in said.unknown], _("and"))
        messages.warning(request, _("Nobody here is called %(names)s; nobody was told.") % {"names": names})
