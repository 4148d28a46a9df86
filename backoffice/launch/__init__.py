"""How the house starts: the environment, the embedded servers, `up`, `test`, and the way to every Django command.

`main`, `places`, `say`, `environment`, `native` and `process` run before `.venv` exists and import only the standard
library. Whatever is written lands in `.venv/` and `var/`.
"""

import os
import sys
import time

from . import environment, native, say


def main(argv: list[str]) -> int:
    """Run `manage.py ARGV`, installing what it needs first and continuing inside `.venv`."""
    command = argv[1] if len(argv) > 1 else "help"
    os.environ.setdefault(say.BEGAN, str(time.time()))
    if command not in ("up", "test"):
        say.quietly()  # the output of a command is its own; what we say goes to stderr
    try:
        if not environment.belongs_to_caller():
            if command in ("up", "test") or not environment.is_active():
                environment.ensure("test" if command == "test" else "local", pango=command in ("up", "test"))
            if not environment.is_active() or native.missing_from_environ():
                environment.enter(argv)
        if command == "up":
            from . import supervisor

            return supervisor.up(argv[2:])
        if command == "test":
            from . import testing

            return testing.test(argv[2:])
        from . import commands

        return commands.run(argv)
    except say.Trouble as problem:
        say.line(str(problem))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
