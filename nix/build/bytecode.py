"""Compiles Python sources to bytecode never checked against them: the same bytes each time."""

import marshal
import os
import warnings
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash

# A fixed number, not that of the cores: what a process has compiled before can change the bytes of
# what it compiles next, so each worker must see the same files in the same order on every machine.
WORKERS = 4
# So few files are compiled before other processes have started.
FEW = 24

UNCHECKED_HASH = (0b01).to_bytes(4, "little")


def compile_file(source, target, name):
    """Write the bytecode of one file; a file that isn't Python of this version is left without.

    Format: PEP 552, hash-based and unchecked.
    """
    with open(source, "rb") as stream:
        text = stream.read()
    try:
        code = compile(text, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as stream:
        stream.write(MAGIC_NUMBER + UNCHECKED_HASH + source_hash(text) + marshal.dumps(code))


def sources(root):
    """All .py files below a folder, links and packages' own tests aside, relative to it, sorted.

    Tests are a third of the work, and no program imports them.
    """
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != "tests"]
        paths = [os.path.join(folder, name) for name in files if name.endswith(".py")]
        found += [os.path.relpath(path, root) for path in paths if not os.path.islink(path)]
    return sorted(found)


def compile_tree(root, target=None, files=None):
    """Compile the sources below `root`, into `target` if given; returns the bytecode's paths."""
    warnings.simplefilter("ignore")
    target = target or root
    files = sources(root) if files is None else files
    workers = WORKERS if len(files) > FEW else 1
    parts = [files[worker::workers] for worker in range(workers)]

    def work(part):
        for file in part:
            compile_file(
                os.path.join(root, file), os.path.join(target, cache_from_source(file)), file
            )

    in_parallel([lambda part=part: work(part) for part in parts if part])
    return [
        path for path in map(cache_from_source, files) if os.path.exists(os.path.join(target, path))
    ]


def in_parallel(jobs):
    """Run functions in a process each, one alone in this one; fails if one of them fails."""
    if len(jobs) == 1:
        failed = not succeeds(jobs[0])
    else:
        children = []
        for job in jobs:
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    status = 0 if succeeds(job) else 1
                finally:
                    os._exit(status)
            children.append(child)
        failed = any([os.waitpid(child, 0)[1] != 0 for child in children])
    if failed:
        raise SystemExit("nixrepro: a worker failed, as said above")


def succeeds(job):
    """Whether a function returns; what it raises is shown."""
    try:
        job()
    except Exception:
        import traceback

        traceback.print_exc()
        return False
    return True
