#!/usr/bin/env python3
"""The one door: `up`, `test`, every Django command. Works before anything is installed (`backoffice/launch/`)."""

import os
import shutil
import sys

OLDEST = (3, 11)


def newer_python() -> "str | None":
    """The path of a Python that is new enough, or None."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], OLDEST[1] + 6)]
    return next(filter(None, map(shutil.which, names)), None)


if __name__ == "__main__":
    if sys.version_info < OLDEST:  # nothing newer may be imported before this line
        other = newer_python()
        if other:
            os.execv(other, [other, *sys.argv])  # noqa: S606
        have = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"Retaguarda needs Python 3.11 or newer; this is {have}. Install the package python3.11.")
    from backoffice.launch import main

    sys.exit(main(sys.argv))
