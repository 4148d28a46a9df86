"""Files on records: put one on, take it away as a download, take one's own off."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from .. import refs
from ..access import entrance, signed_in
from ..activity_forms import AttachmentForm
from ..http import PersonRequest
from ..models import Attachment
from ..services import attachments, files
from .activity import story


@entrance(post="core.comment.create")
@require_POST
def attach(request: PersonRequest) -> HttpResponse:
    card = refs.open_or_404(request.POST.get("ref", ""), request.user)
    form = AttachmentForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            attachments.attach(ref=card.ref, upload=form.cleaned_data["file"], by=request.user)
        except files.NotStored as problem:
            form.add_error("file", str(problem))
        else:
            return redirect(card.url)
    return story(request, card, attachment_form=form, status=422)


@signed_in
@require_GET
def download(request: PersonRequest, pk: int) -> FileResponse:
    return files.download(_on_readable_record(request, pk).file)


@entrance(post="core.comment.create")
@require_POST
def remove(request: PersonRequest, pk: int) -> HttpResponse:
    attachment = _on_readable_record(request, pk)
    if not attachments.remove(attachment_id=pk, by=request.user):
        raise Http404
    messages.info(request, _("%(name)s was removed.") % {"name": attachment.file.name})
    return redirect(refs.open_or_404(attachment.subject, request.user).url)


def _on_readable_record(request: PersonRequest, pk: int) -> Attachment:
    attachment = Attachment.objects.select_related("file").filter(pk=pk, removed_at=None).first()
    if attachment is None:
        raise Http404
    refs.open_or_404(attachment.subject, request.user)
    return attachment
