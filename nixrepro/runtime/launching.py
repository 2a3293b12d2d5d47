"""The course of a run: clean variables, first record, program, final record, summary."""

from __future__ import annotations

import os
import sys
import time

from . import supervise
from .launch import UNRECORDED, USAGE, Options, Refused, by_dvc, load, say
from .recording import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .git import Code


def launch(options: Options, host: dict[str, str]) -> int:
    """Run a command, recorded unless told otherwise.

    Args:
        options: the command line's.
        host: this process's variables.

    Returns:
        The program's exit status; 128+n for signal n.

    Raises:
        Refused: it could not be started.
    """
    begun = time.monotonic()
    _stand()
    mask = supervise.block()
    code = _code(options, host, mask)
    from . import numerics
    from .spawn import which
    from .variables import clean, reasons, refused, tracking

    environment, settings = _read(options, mask)
    command = options.command or settings.get("command", [])
    passed = [*settings.get("pass", []), *options.passed]
    if not command:
        raise Refused("there is no command: give one after --", USAGE)
    if bad := refused(passed):
        raise Refused(reasons(bad), USAGE)
    tracked = tracking(environment["layers"].get("wheels", ()), host, passed)
    temporary = _temporary(host)
    try:
        run: Run | None = None
        inner = os.path.join(temporary, "tmp")
        data, told = _data(options, settings, temporary)
        try:
            if options.record:
                run = Run(
                    options=options,
                    environment=environment,
                    settings=settings,
                    command=command,
                    passed=passed,
                    host=host,
                    tracked=tracked,
                    data=data,
                )
                run.begin(code, temporary)
            elif options.clean:
                code.judge(code.finish(temporary)[0], clean=True, quiet=True)
            os.mkdir(inner, 0o700)
        except OSError as error:
            raise Refused(
                f"the run can't be prepared in {temporary}: {error.strerror}. Nothing was "
                "started. Make room there, or name another folder by TMPDIR",
                UNRECORDED,
            ) from None
        env = clean(
            host=host,
            base=environment.get("variables", {}),
            settings=settings,
            passed=passed,
            folder=run.folder.path if run else "",
            data=told,
            temporary=inner,
        )
        env = {**tracked, **env, **_asked(options)}  # the project's own word is the last
        path = which(command[0], env.get("PATH", ""))
        if not path:
            ended = _missing(command[0])
        else:
            overhead = time.monotonic() - begun
            relay = run.relay if run else None
            path, command = numerics.started(settings, path, command)
            ahead = (lambda: _ahead(code)) if run else None
            ended = supervise.run(path, command, env, relay, mask, ahead)
        if ended.reason:
            say(f"{command[0]}: {ended.reason}")
        if run is None:
            return ended.status
        begun = time.monotonic()
        return run.end(
            ended,
            overhead if path else 0.0,
            options.quiet,
            begun,
            run.probing(env, host, mask, temporary),
            run.handing(env, host, mask, temporary, options.quiet),
        )
    finally:
        _remove(temporary)


def _code(options: Options, host: dict[str, str], mask: Iterable[int]) -> Code:
    """Have git begin, which works while this process reads on."""
    from .git import Code

    code = Code(options.project, _system(options.environment), host, mask)
    if options.record or options.clean:
        code.start()
        if early := supervise.asked():
            code.tell(early)
    return code


def _read(options: Options, mask: Iterable[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The environment's file and that of the settings, with the CPU that can be had here."""
    from . import numerics

    settings = load(options.settings, "settings")
    asked = numerics.ask(settings, mask)  # vcpu works too while this process reads on
    supervise.load()
    environment = load(options.environment, "environment", ("identity", "layers", "closure"))
    settings = numerics.settled(settings, asked, environment["layers"])
    if warning := numerics.warning(settings):
        say(warning)
    return environment, settings


def _data(
    options: Options, settings: dict[str, Any], temporary: str
) -> tuple[list[dict[str, Any]], str]:
    """What a record says of data by reference, and the file that tells where all data lies."""
    stated = any("reference" in entry for entry in settings.get("data", {}).values())
    if not stated and not by_dvc(os.path.abspath(options.project)):
        return [], os.path.abspath(options.settings)
    from .datasets.starting import settle

    return settle(options, settings, temporary)


def _asked(options: Options) -> dict[str, str]:
    """What the program's runtime is to write beside its events."""
    asked = {}
    if options.weights:
        asked["NIXREPRO_WEIGHTS"] = os.path.abspath(options.weights)
    if options.steps and options.record:
        asked["NIXREPRO_STEPS"] = str(options.steps)
    return asked


def _system(facts: str) -> str:
    """The closure's merged system, where the Python that runs this is; "" where it is another's."""
    found = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))
    return found if os.path.dirname(found) == os.path.dirname(os.path.abspath(facts)) else ""


def _stand() -> None:
    """Fill standard streams that whoever started this has closed: a pipe would get their number."""
    for handle in range(3):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _missing(name: str) -> supervise.Ended:
    there = os.path.exists(name) if "/" in name else False
    status = supervise.NOT_STARTED if there else supervise.NOT_FOUND
    reason = "it may not be executed" if there else "there is no such program in the environment"
    return supervise.Ended(status, reason=reason)


def _temporary(host: dict[str, str]) -> str:
    """A folder of this run alone; tempfile would take longer to import than all of this."""
    base = host.get("TMPDIR") or "/tmp"
    for _ in range(100):
        path = os.path.join(base, f"nixrepro-{os.urandom(6).hex()}")
        try:
            os.mkdir(path, 0o700)
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise Refused(
                f"no temporary folder can be made in {base}: {error.strerror}", UNRECORDED
            ) from None
    raise Refused(f"no temporary folder can be made in {base}", UNRECORDED)


def _ahead(code: Code) -> None:
    """Import and ask what the end of a run needs, while its program runs."""
    code.names(wait=False)
    import resource  # noqa: F401 - os.wait4 does

    from . import events, result, wording  # noqa: F401
    from .probe import kept  # noqa: F401


def _remove(path: str) -> None:
    """Take away a folder, as far as that goes; shutil would take 3 ms to import."""
    for folder, folders, files in os.walk(path, topdown=False):
        for name in (*files, *folders):
            place = os.path.join(folder, name)
            try:
                (os.unlink if name in files or os.path.islink(place) else os.rmdir)(place)
            except OSError:
                continue
    try:  # noqa: SIM105 - contextlib takes longer to import than all of this
        os.rmdir(path)
    except OSError:
        pass
