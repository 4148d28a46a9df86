"""What one person was told."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from .. import selectors
from ..access import signed_in
from ..http import PersonRequest
from ..keys import is_key
from ..services import notices


@signed_in
@require_GET
def listing(request: PersonRequest) -> HttpResponse:
    before = request.GET.get("before", "")
    only_new = request.GET.get("show") == "new"
    lines, older = selectors.notices(request.user, only_new=only_new, before=int(before) if is_key(before) else None)
    new = request.user.notifications.filter(read_at=None).count()
    tabs = [
        {"label": _("All"), "url": "?", "current": not only_new},
        {"label": _("New"), "url": "?show=new", "current": only_new, "count": new},
    ]
    context = {
        "lines": lines,
        "older": f"?show=new&before={older}" if only_new else f"?before={older}",
        "has_older": older is not None,
        "is_older": bool(before),
        "new": new,
        "only_new": only_new,
        "tabs": tabs,
    }
    return render(request, "core/notices/list.html", context)


@signed_in
@require_POST
def mark_read(request: PersonRequest) -> HttpResponse:
    ids = [int(pk) for pk in request.POST.getlist("notice") if is_key(pk)]
    count = notices.mark_read(user=request.user, ids=None if request.POST.get("all") else ids)
    text = ngettext("%(count)d notice marked as read.", "%(count)d notices marked as read.", count)
    messages.info(request, text % {"count": count} if count else _("Nothing was new."))
    return redirect("notices")
