"""Text as people search it: without capitals and accents, the same in Python and in the database.

Party.objects.filter(name__plain__contains=plain("José"))   # uses a trigram index on core_plain(name)
"""

from django.db.models import CharField, TextField, Transform

# Kept the same as the function core_plain of migration 0007.
ACCENTED = "áàâãäåéèêëíìîïóòôõöúùûüçñýÿ"
BARE = "aaaaaaeeeeiiiiooooouuuucnyy"
_TABLE = str.maketrans(ACCENTED, BARE)


def plain(text: str) -> str:
    """Lower case, accents of Portuguese and its neighbours taken off."""
    return text.lower().translate(_TABLE)


class Plain(Transform):
    """`field__plain`: the column folded by the database function of the same rule."""

    lookup_name = "plain"
    function = "core_plain"


CharField.register_lookup(Plain)
TextField.register_lookup(Plain)
