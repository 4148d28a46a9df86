"""What one request asks of a list: checked address, links that change one thing, the reader's views and columns."""

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import Http404, QueryDict

from ..models import HeldFilter, ListPreference, SavedView, User
from .columns import Column
from .filters import without

if TYPE_CHECKING:
    from .page import ListPage

PAGING = ("after", "before")
MACHINE = frozenset({"order", "after", "before", "view", "count", "held"})


@dataclass
class ListState:
    """A checked query of one list for one person. Raises BadRequest for a key the list does not know."""

    page: "ListPage"
    user: User
    query: QueryDict
    views: list[SavedView] = field(default_factory=list)
    preference: ListPreference | None = None

    def __post_init__(self) -> None:
        unknown = set(self.query) - self.page.url_keys() - MACHINE
        if unknown:
            raise BadRequest(f"unknown filter: {', '.join(sorted(unknown))[:200]}")
        repeated = [key for key in MACHINE if len(self.query.getlist(key)) > 1]
        if repeated:
            raise BadRequest(f"said twice: {', '.join(repeated)}")
        self.order_key, self.descending = self._order()
        self.held = self._held()

    # address

    def get(self, key: str) -> str:
        return str(self.query.get(key, ""))

    @property
    def exact(self) -> bool:
        return self.get("count") == "exact"

    def url(self, *, drop: tuple[str, ...] = (), **changes: str | None) -> str:
        """This address with some keys changed, dropped or set to None; paging starts anew unless it is what changes."""
        query = without(self.query, [*drop, *PAGING, *[key for key, value in changes.items() if value is None]])
        for key, value in changes.items():
            if value is not None:
                query[key] = value
        if not query and (self.page.opens_with or self.default_view):
            return "?view=all"  # a bare address would open the default again
        return f"?{query.urlencode(safe=',:')}" if query else "?"

    def data(self) -> QueryDict:
        """Filter values: those of the address and the held ones."""
        data = without(self.query, MACHINE)
        for key, values in self.held.items():
            data.setlist(key, values)
        return data

    def conditions(self) -> QueryDict:
        """What a saved view keeps: filters, search and order, never paging or held values."""
        return without(self.query, [*PAGING, "view", "count", "held"])

    def _order(self) -> tuple[str, bool]:
        asked = self.get("order") or self.page.default_order
        key, descending = asked.removeprefix("-"), asked.startswith("-")
        if key not in self.page.orders():
            raise BadRequest(f"unknown order: {key[:60]}")
        return key, descending

    def _held(self) -> dict[str, list[str]]:
        token = self.get("held")
        if not token:
            return {}
        if len(token) > 32 or "\x00" in token:
            raise BadRequest("unknown held filter")
        held = HeldFilter.objects.filter(pk=token, user=self.user, list_key=self.page.key).first()
        if held is None:
            raise Http404("held filter")
        return {key: values for key, values in held.values.items() if key in self.page.held_keys()}

    # what the reader keeps

    def load(self) -> None:
        """Read the reader's views and columns: two queries."""
        mine = Q(owner=self.user) | Q(is_shared=True)
        found = SavedView.objects.filter(mine, list_key=self.page.key).select_related("owner")
        self.views = sorted(found, key=lambda view: (view.owner_id != self.user.pk, view.name.lower(), view.pk))
        self.preference = ListPreference.objects.filter(user=self.user, list_key=self.page.key).first()

    @property
    def view(self) -> SavedView | None:
        """The saved view whose tab is current."""
        return next((view for view in self.views if str(view.pk) == self.get("view")), None)

    @property
    def default_view(self) -> SavedView | None:
        return next((view for view in self.views if view.is_default and view.owner_id == self.user.pk), None)

    def view_url(self, view: SavedView) -> str:
        """The address of a saved view; keys that the list no longer knows are left out."""
        kept = QueryDict(view.query)
        query = without(kept, set(kept) - self.page.url_keys() - {"order"})
        query["view"] = str(view.pk)
        return f"?{query.urlencode(safe=',:')}"

    def allowed_columns(self) -> list[Column]:
        return [column for column in self.page.columns if not column.right or self.user.may(column.right)]

    def columns(self) -> list[Column]:
        """The columns to show, in the reader's order; the first is always there."""
        allowed = {column.key: column for column in self.allowed_columns()}
        first = next(iter(allowed))
        chosen: list[str] = []
        if self.view and self.view.columns:
            chosen = self.view.columns
        elif self.preference and self.preference.columns:
            chosen = self.preference.columns
        picked = [allowed[key] for key in chosen if key in allowed]
        if not picked:
            picked = [column for column in allowed.values() if not column.optional]
        return picked if picked[0].key == first else [allowed[first], *[c for c in picked if c.key != first]]

    @property
    def dense(self) -> bool:
        return self.preference is None or self.preference.dense


def hold(page: "ListPage", user: User, values: dict[str, list[str]]) -> str:
    """Keep filter values for `user`, for a month, and return their token."""
    token = secrets.token_urlsafe(12)
    HeldFilter.objects.create(token=token, user=user, list_key=page.key, values=values)
    return token


def looks_secret(text: str) -> bool:
    """Whether a search text may be a CPF, a CNPJ, a phone or an account, which must not stand in an address."""
    return sum(character.isdigit() for character in text) >= 9


def address(base: str, query: Any) -> str:
    return f"{base}?{query.urlencode(safe=',:')}" if query else base
