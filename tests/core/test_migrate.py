from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from backoffice.core.management.commands.migrate import drawn_once


def shop() -> ProjectState:
    state = ProjectState()
    state.add_model(ModelState("shop", "Order", [("id", models.AutoField(primary_key=True))]))
    return state


def test_an_index_and_a_constraint_are_known_without_drawing_their_model_anew():
    state = shop()
    model = state.apps.get_model("shop", "order")

    with drawn_once():
        state.add_index("shop", "order", models.Index(fields=["id"], name="by_id"))
        state.add_constraint("shop", "order", models.CheckConstraint(condition=models.Q(id__gt=0), name="above_zero"))

    assert state.apps.get_model("shop", "order") is model
    assert [one.name for one in model._meta.indexes] == ["by_id"]
    assert [one.name for one in model._meta.constraints] == ["above_zero"]
    assert [one.name for one in state.models["shop", "order"].options["indexes"]] == ["by_id"]


def test_what_is_removed_is_gone_and_django_is_as_it_was():
    django = ProjectState._append_option
    state = shop()
    before = state.clone()
    model = state.apps.get_model("shop", "order")

    with drawn_once():
        state.add_index("shop", "order", models.Index(fields=["id"], name="by_id"))
        state.remove_index("shop", "order", "by_id")

    assert model._meta.indexes == state.models["shop", "order"].options["indexes"] == []
    assert before.models["shop", "order"].options["indexes"] == []
    assert ProjectState._append_option is django
