"""One list as a page: reads the checked address, asks the database once per answer, hands a template what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, ClassVar

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import BadRequest, ImproperlyConfigured
from django.db.models import BigIntegerField, Count, Func, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import conditional_escape, escape, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views import View

from ..folding import plain
from ..models import User
from ..money import format_number
from . import posts, registry
from .bulk import BulkAction
from .columns import Column, show
from .cursor import BadCursor, Ordering, Slice
from .filters import Chip, ListFilters
from .state import ListState

CAP = 1000
FEW = 4000  # so many keys are carried from the count to the page


@dataclass(frozen=True)
class Tab:
    """A view that the house brings: a name for some filters."""

    key: str
    label: str | Promise
    filters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """Something to do from the head of the list."""

    label: str | Promise
    url: str
    is_primary: bool = False


@dataclass(frozen=True)
class Tally:
    """How many rows match (at most `CAP + 1` unless exact) and the totals over all of them, when they were added up.

    keys: theirs in the order of the page, when a filter left few.
    """

    n: int
    is_exact: bool
    totals: dict[str, Any]
    keys: list[Any] | None = None

    @property
    def text(self) -> str:
        if not self.is_exact:
            return _("more than %(n)s") % {"n": format_number(CAP, get_language() or "en")}
        return format_number(self.n, get_language() or "en")


@lru_cache(maxsize=512)
def _chooser(columns: tuple[tuple[str, str], ...], shown: int, language: str | None) -> SafeString:
    """The list of columns to choose from, the first `shown` of them ticked; drawn once per choice and language."""
    choices = [(key, label, place, place <= shown) for place, (key, label) in enumerate(columns, start=1)]
    return render_to_string("lists/chooser.html", {"choices": choices})


class ListPage(View):
    """Base of every list; see the package's docstring for how one is declared."""

    key: ClassVar[str]
    url_name: ClassVar[str]
    title: ClassVar[str | Promise]
    lead: ClassVar[str | Promise] = ""
    columns: ClassVar[Sequence[Column]]
    filters: ClassVar[type[ListFilters] | None] = None
    search_fields: ClassVar[Sequence[str]] = ()
    search_label: ClassVar[str | Promise] = gettext_lazy("Search")
    search_is_sensitive: ClassVar[bool] = False  # texts that look like a CPF or an account are held, not addressed
    default_order: ClassVar[str]
    reach: ClassVar[int] = FEW  # how far matches of a filter are counted; CAP where each one is dear to find
    page_size: ClassVar[int] = 40  # two screens of a large monitor
    tabs: ClassVar[Sequence[Tab]] = ()
    opens_with: ClassVar[str] = ""  # the tab that a bare address shows: a queue begins with what is open
    bulk: ClassVar[Sequence[BulkAction]] = ()
    detail_url: ClassVar[str] = ""  # URL name taking pk
    export_right: ClassVar[str] = ""  # empty: no export
    has_personal_data: ClassVar[bool] = False  # an export then needs a stated reason
    empty_text: ClassVar[str | Promise] = gettext_lazy("Nothing here yet.")
    begins_at: ClassVar[tuple[str, str | Promise, str] | None] = None  # right, label, URL name of what fills the list
    done_text: ClassVar[str | Promise] = ""  # for queues: what an empty first tab says
    template_name: ClassVar[str] = "lists/list.html"
    http_method_names = ["get", "post", "head", "options"]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "key" in cls.__dict__:
            keys = [column.key for column in cls.columns]
            if len(set(keys)) < len(keys) or cls.default_order.removeprefix("-") not in cls.orders():
                raise ImproperlyConfigured(f"{cls.key}: each column once, and an ordered one first")
            registry.register(cls)

    # what a list declares

    def queryset(self, user: User) -> QuerySet[Any]:
        """Every row that `user` may see."""
        raise NotImplementedError

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Rows in which every word stands in some search field, whatever its capitals and accents.

        A field written `search__contains` is kept folded already.
        """
        for word in text.split()[:8]:
            found = Q()
            for path in self.search_fields:
                found |= Q(**{path if path.endswith("__contains") else f"{path}__plain__contains": plain(word)})
            queryset = queryset.filter(found)
        return queryset

    def actions(self, user: User) -> list[Action]:
        return []

    def row_url(self, row: Any) -> str:
        return f"{self._door(0)}{self.pk_of(row)}{self._door(1)}" if self.detail_url else ""

    def pk_of(self, row: Any) -> Any:
        return row["pk"] if isinstance(row, dict) else row.pk

    # keys

    @classmethod
    @cache
    def url_keys(cls) -> frozenset[str]:
        keys = cls.filters.url_keys() if cls.filters else set()
        return frozenset(keys | ({"q"} if cls.search_fields else set()))

    @classmethod
    def held_keys(cls) -> set[str]:
        keys = {"q"} if cls.search_is_sensitive else set()
        if cls.filters:
            keys |= {key for name in cls.filters.sensitive for key in cls.filters.keys_of(name)}
        return keys

    @classmethod
    def orders(cls) -> dict[str, tuple[str, ...]]:
        return {column.key: column.order for column in cls.columns if column.order}

    # reading

    def filterset(self, state: ListState) -> ListFilters:
        filters = self.filters or ListFilters
        return filters(state.data(), queryset=self.queryset(state.user), request=self.request_or_none())

    def request_or_none(self) -> HttpRequest | None:
        return getattr(self, "request", None)

    def matching(self, state: ListState, filterset: ListFilters | None = None) -> QuerySet[Any] | None:
        """Exactly the rows that the address asks for, unordered; None when a filter's value cannot be read."""
        filterset = filterset or self.filterset(state)
        if not filterset.form.is_valid():
            return None
        queryset = filterset.qs if self.filters else self.queryset(state.user)
        if text := self.searched(state):
            queryset = self.search(queryset, text)
        return queryset.order_by()

    def searched(self, state: ListState) -> str:
        """The text that is looked for; empty where there is none."""
        text: str = state.data().get("q", "").strip().replace("\x00", "")[:200]
        return text if self.search_fields else ""

    def abounds(self, text: str) -> bool:
        """Whether the first rows in the default order surely hold more than CAP that the search finds."""
        return False

    def few(self, state: ListState, keys: list[Any]) -> QuerySet[Any]:
        """The same rows when a filter leaves few: found and ordered while they were counted.

        The planner could else walk a million rows in their order to meet the few that match.
        """
        listed = RawSQL("SELECT unnest(%s::bigint[])", [keys])  # one parameter, however many keys
        return self.queryset(state.user).filter(pk__in=listed).order_by()

    def ordering(self, state: ListState, queryset: QuerySet[Any]) -> Ordering:
        return Ordering(queryset, self.orders()[state.order_key], descending=state.descending)

    def tally(
        self,
        queryset: QuerySet[Any],
        columns: Sequence[Column],
        *,
        exact: bool,
        cap: int = CAP,
        ordering: Ordering | None = None,
    ) -> Tally:
        """Count, to the cap unless `exact`, and the totals of what was counted completely.

        cap: how far to read, CAP or more; with more, the keys come along for a page that need not search again.
        ordering: of the keys.
        """
        sums = {f"total_{column.key}": column.total for column in columns if column.total is not None}
        if exact:
            found = queryset.aggregate(n=Count("pk"), **sums)
        else:
            rows = queryset if sums else queryset.values("pk")  # what only the page shows is not worked out to count
            listed = ArrayAgg("pk", order_by=ordering.order_by() if ordering else None)
            few = Func(  # of more than `cap` no keys are sent
                Count("pk"),
                listed,
                template="CASE WHEN %(expressions)s END",
                arg_joiner=f" <= {cap:d} THEN ",
                output_field=ArrayField(BigIntegerField()),
            )
            found = rows[: cap + 1].aggregate(n=Count("pk"), keys=few, **sums)
        n, keys = found.pop("n"), found.pop("keys", None)
        if not exact and n > CAP:
            return Tally(CAP + 1, False, {}, keys)
        totals = {column.key: found[f"total_{column.key}"] for column in columns if column.total is not None}
        return Tally(n, True, totals, keys)

    # doors

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        state = self.state(request)
        state.load()
        if not state.query and state.default_view:
            return HttpResponseRedirect(state.view_url(state.default_view))
        if not state.query and self.opens_with:
            state.query = next(self.tab_query(tab) for tab in self.tabs if tab.key == self.opens_with)
        return self.show(request, state)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return posts.answer(self, request)

    def state(self, request: HttpRequest) -> ListState:
        assert isinstance(request.user, User)
        return ListState(self, request.user, request.GET)

    def show(self, request: HttpRequest, state: ListState) -> HttpResponse:
        filterset = self.filterset(state)
        matching = self.matching(state, filterset)
        if matching is not None:
            plain = filterset.canonical(state.query)
            if plain != state.query:
                return HttpResponseRedirect(f"?{plain.urlencode(safe=',:')}")
        columns = state.columns()
        tally, part = Tally(0, True, {}), Slice([], None, None)
        if matching is not None:
            tally = self.counted(state, matching, columns)
            rows = matching
            if tally.keys and state.data():
                is_first = not state.get("after") and not state.get("before")
                rows = self.few(state, tally.keys[: self.page_size + 1] if is_first else tally.keys)
            try:
                part = self.ordering(state, rows).page(
                    rows, self.page_size, after=state.get("after"), before=state.get("before")
                )
            except BadCursor as problem:
                raise BadRequest("unknown page") from problem
        context = self.context(state, filterset, columns, part, tally)
        return render(request, self.template_name, context, status=422 if matching is None else 200)

    def counted(self, state: ListState, matching: QuerySet[Any], columns: Sequence[Column]) -> Tally:
        """The tally of a page, with the keys in its order where a filter may leave few."""
        data = state.data()
        if not data:
            return self.tally(matching, columns, exact=state.exact)
        text, others = self.searched(state), any(data[key] for key in data if key != "q")
        is_default = state.get("order") in ("", self.default_order)
        if text and not others and not state.exact and is_default and self.abounds(text):
            return Tally(CAP + 1, False, {})
        by = Ordering(matching, self.orders()[state.order_key], descending=state.descending)
        return self.tally(matching, columns, exact=state.exact, cap=self.reach, ordering=by)

    def context(
        self, state: ListState, filterset: ListFilters, columns: list[Column], part: Slice, tally: Tally
    ) -> dict[str, Any]:
        """Everything `lists/list.html` shows."""
        chips = self.chips(state, filterset)
        bulk = [action for action in self.bulk if state.user.may(action.right)]
        return {
            "page": self,
            "state": state,
            "title": self.title,
            "lead": self.lead,
            "actions": self.actions(state.user),
            "tabs": self.tab_links(state),
            "filter_form": filterset.form,
            "filter_fields": filterset.markup(),
            "filter_method": "post" if self.held_keys() else "get",
            "search": state.data().get("q", "") if self.search_fields else None,
            "kept": [(key, state.get(key)) for key in ("order", "view") if state.get(key)],
            "chips": chips,
            "clear_url": self.clear_url(state),
            "headers": self.headers(state, columns),
            "rows": part.rows,
            "body": self.body(part.rows, columns, can_pick=bool(bulk)),
            "totals": self.total_cells(columns, tally),
            "tally": tally,
            "count_text": self.count_text(tally),
            "exact_url": None if tally.is_exact else state.url(count="exact"),
            "previous_url": state.url(before=part.before) if part.before else None,
            "next_url": state.url(after=part.after) if part.after else None,
            "first_url": state.url() if state.get("after") or state.get("before") else None,
            "here": state.url(after=state.get("after") or None, before=state.get("before") or None),
            "empty": None if part.rows else self.empty(state, chips),
            "chooser": self.chooser(state, columns),
            "bulk_actions": bulk,
            "can_export": bool(self.export_right) and state.user.may(self.export_right),
            "can_save_view": state.user.may("core.view.create"),
            "current_view": state.view,
            "owns_view": state.view is not None and state.view.owner_id == state.user.pk,
            "filter_count": len(chips),
        }

    # parts of the page

    def chips(self, state: ListState, filterset: ListFilters) -> list[Chip]:
        chips = []
        text = state.data().get("q", "").strip()
        if text and self.search_fields:
            chips.append(Chip(_("Any text contains"), text, self._without(state, ["q"])))
        for name, value in filterset.applied():
            verb, words = filterset.sentence(name, value)
            label = filterset.form.fields[name].label or name
            chips.append(Chip(f"{label} {verb}", words, self._without(state, filterset.keys_of(name))))
        return chips

    def _without(self, state: ListState, keys: list[str]) -> str:
        drop = (*keys, "held") if any(key in state.held for key in keys) else tuple(keys)
        return state.url(drop=(*drop, "view"))

    def clear_url(self, state: ListState) -> str:
        return state.url(drop=tuple(key for key in state.query if key != "order"))

    def tab_links(self, state: ListState) -> list[dict[str, Any]]:
        current = state.get("view")
        is_plain = not state.view and current not in {tab.key for tab in self.tabs}
        links: list[dict[str, Any]] = [
            {"label": _("All"), "url": state.url(drop=tuple(state.query)), "current": is_plain}
        ]
        for tab in self.tabs:
            url = f"?{self.tab_query(tab).urlencode()}"
            links.append({"label": tab.label, "url": url, "current": current == tab.key})
        for view in state.views:
            is_mine = view.owner_id == state.user.pk
            links.append(
                {
                    "label": view.name,
                    "url": state.view_url(view),
                    "current": current == str(view.pk),
                    "is_default": view.is_default and is_mine,
                    "shared_by": None if is_mine else str(view.owner),
                }
            )
        return links

    def tab_query(self, tab: Tab) -> QueryDict:
        query = QueryDict(mutable=True)
        query.update({**tab.filters, "view": tab.key})
        return query

    def headers(self, state: ListState, columns: list[Column]) -> list[dict[str, Any]]:
        heads = []
        for column in columns:
            is_current = column.order and column.key == state.order_key
            upward = not state.descending if is_current else None
            heads.append(
                {
                    "column": column,
                    "url": state.url(order=f"-{column.key}" if upward else column.key) if column.order else None,
                    "sort": {True: "ascending", False: "descending", None: None}[upward],
                }
            )
        return heads

    def body(self, rows: Sequence[Any], columns: list[Column], *, can_pick: bool) -> SafeString:
        """The table's rows. Written here and not in a template: it is most of a page's time."""
        choose = _("Choose %(name)s")
        parts = []
        for row in rows:
            cells = [column.show(row) for column in columns]
            parts.append("<tr>")
            if can_pick:
                name = conditional_escape(choose % {"name": strip_tags(cells[0])})
                box = f'<input type="checkbox" name="pick" value="{self.pk_of(row)}" aria-label="{name}">'
                parts.append(f'<td class="pick">{box}</td>')
            link = self.row_url(row)
            first = f'<a href="{escape(link)}">{cells[0]}</a>' if link else cells[0]
            parts.append(f'<th scope="row">{first}</th>')
            for column, cell in zip(columns[1:], cells[1:], strict=True):
                parts.append(f'<td class="num">{cell}</td>' if column.is_numeric else f"<td>{cell}</td>")
            parts.append("</tr>")
        return mark_safe("".join(parts))

    def _door(self, side: int) -> str:
        """The two halves of a detail address around the key, asked of the router once per page."""
        if not hasattr(self, "_halves"):
            before, _key, after = reverse(self.detail_url, args=[987654321987]).rpartition("987654321987")
            self._halves = (before, after)
        return self._halves[side]

    def total_cells(self, columns: list[Column], tally: Tally) -> list[dict[str, Any]] | None:
        if not tally.totals or not tally.n:
            return None
        return [
            {
                "column": column,
                "html": show(tally.totals[column.key], column.kind) if column.key in tally.totals else "",
            }
            for column in columns
        ]

    def count_text(self, tally: Tally) -> str:
        if not tally.is_exact:
            return _("%(count)s rows") % {"count": tally.text}
        return ngettext("%(count)s row", "%(count)s rows", tally.n) % {"count": tally.text}

    def chooser(self, state: ListState, columns: list[Column]) -> SafeString:
        """Every column there is, the shown ones first and in their order."""
        shown = [column.key for column in columns]
        rest = [column for column in state.allowed_columns() if column.key not in shown]
        named = tuple((column.key, str(column.label)) for column in [*columns, *rest])
        return _chooser(named, len(shown), get_language())

    def empty(self, state: ListState, chips: list[Chip]) -> dict[str, Any]:
        """Which of the three kinds of nothing this is: never had any, all done, nothing found."""
        if state.get("after") or state.get("before"):
            return {
                "kind": "none",
                "text": _("No more rows."),
                "url": state.url(),
                "action": _("Back to the first page"),
            }
        if not state.view and not self.queryset(state.user).exists():  # a saved view can be renamed and dropped
            return {"kind": "never", **self.beginning(state.user)}
        first = self.tabs[0].key if self.tabs else ""
        if self.done_text and (not chips or state.get("view") == first):
            return {"kind": "done", "text": self.done_text}
        return {
            "kind": "none",
            "text": _("Nothing matches these filters."),
            "url": self.clear_url(state),
            "action": _("Clear filters"),
        }

    def beginning(self, user: User) -> dict[str, Any]:
        """How a list that never held anything is drawn: what is missing, where it comes from, the first thing to do."""
        what, _dot, how = str(self.empty_text).partition(". ")
        words = {"text": f"{what}." if how else what, "hint": how}
        for action in self.actions(user):
            if action.is_primary:
                return {**words, "url": action.url, "action": action.label}
        if self.begins_at and user.may(self.begins_at[0]):
            return {**words, "url": reverse(self.begins_at[2]), "action": self.begins_at[1]}
        return words
