"""`manage.py migrate`: Django's, except that an index or a constraint does not have its model drawn anew.

Django renders the model and all that are related to it again after each of them: half of a first migration's time, and
little of it in the database. What changes is one list of the rendered model, and that is set.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.state import ProjectState


@contextmanager
def drawn_once() -> Iterator[None]:
    """Meanwhile `ProjectState` sets the indexes and constraints of a rendered model where they stand."""
    django: Any = ProjectState
    append, remove = django._append_option, django._remove_option
    django._append_option, django._remove_option = _appended, _removed
    try:
        yield
    finally:
        django._append_option, django._remove_option = append, remove


def _appended(state: Any, app_label: str, model_name: str, option_name: str, one: Any) -> None:
    known = state.models[app_label, model_name].options[option_name]
    _set(state, app_label, model_name, option_name, [*known, one])


def _removed(state: Any, app_label: str, model_name: str, option_name: str, name: str) -> None:
    known = state.models[app_label, model_name].options[option_name]
    _set(state, app_label, model_name, option_name, [one for one in known if one.name != name])


def _set(state: Any, app_label: str, model_name: str, option_name: str, known: list[Any]) -> None:
    state.models[app_label, model_name].options[option_name] = known
    if "apps" in state.__dict__:  # rendered
        meta = state.apps.get_model(app_label, model_name)._meta
        setattr(meta, option_name, list(known))
        meta.__dict__.pop("total_unique_constraints", None)  # worked out from them once


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with drawn_once():
            super().handle(*args, **options)
