"""A stand-in for Nix and its store: answers in the shapes that Nix 2.8 was recorded to answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from nixrepro.nix import Nix
from nixrepro.process import Completed, run

FLAKE = "{ outputs = inputs: import ./nix { src = ./.; runtime = ./code/runtime; }; }\n"


class Store:
    """Realises one environment after another, in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built = 0
        self.name = "e1"
        self.stderr = ""
        self.roots: set[Path] = set()
        self.nix = Nix(self)

    def path(self, kind: str) -> Path:
        """The store path that this kind of thing has in the current environment."""
        return self.folder / f"{self.name}{kind}-nixrepro-{kind}"

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed:
        if argv[0] == "git":
            return run(argv, cwd=cwd)
        if "--version" in argv:
            return Completed(0, b"nix (Nix) 2.8.0\n", "")
        if "--add-root" in argv:
            root = Path(argv[argv.index("--add-root") + 1])
            self._link(root, argv[2])
            self.roots.add(root)
            return Completed(0, b"", "")
        if "--closure-size" in argv:
            return Completed(0, f"{argv[-1]}\t2410590416\n".encode(), "")
        if "--recursive" in argv:
            return Completed(0, b"".join(b"%s\t2\n" % p.encode() for p in argv[-2:]), "")
        assert "print-dev-env" in argv
        if self.stderr:
            return Completed(1, b"", self.stderr)
        self.built += 1
        return Completed(0, self._build(Path(argv[argv.index("--profile") + 1])), "")

    def _build(self, profile: Path) -> bytes:
        for kind in ("environment", "system"):
            (self.path(kind) / "bin").mkdir(parents=True, exist_ok=True)
        facts, settings = self.path("facts.json"), self.path("settings.json")
        facts.write_text('{"variables": {"TZ": "UTC", "LANG": "C.UTF-8"}}')
        settings.write_text('{"variables": {"LANG": "de_DE.UTF-8"}}')
        link = profile.with_name(f"{profile.name}-{self.built}-link")
        if not link.is_symlink():  # Nix registers a generation only when it makes it
            self._link(link, str(self.path("shell")))
            self.roots.add(link)
        self._link(profile, link.name)
        variables = {
            "NIXREPRO_ENVIRONMENT": str(facts),
            "NIXREPRO_SETTINGS": str(settings),
            "NIXREPRO_ROOT": str(self.path("environment")),
            "NIXREPRO_SYSTEM": str(self.path("system")),
            "PATH": f"{self.path('environment')}/bin:{self.path('system')}/bin",
        }
        entries = {name: {"type": "exported", "value": text} for name, text in variables.items()}
        return json.dumps({"bashFunctions": {}, "variables": entries}).encode()

    def _link(self, link: Path, target: str) -> None:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def make_project(root: Path) -> Path:
    """The files that a flake of nixrepro reads."""
    (root / "nix" / "build").mkdir(parents=True)
    (root / "code" / "runtime").mkdir(parents=True)
    files = {
        "flake.nix": FLAKE,
        "flake.lock": "{}",
        "nixrepro.lock": "version = 1\n",
        "pyproject.toml": "[tool.nixrepro]\n",
        "nix/default.nix": "{ }",
        "nix/build/cc.py": "pass\n",
        "code/runtime/boot.py": "pass\n",
        "train.py": "pass\n",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    return root
