"""Whatever is wrong in a pyproject.toml is said with its full key, its line and what was meant."""

from pathlib import Path

import pytest

from nixrepro import config
from nixrepro.config import Config
from nixrepro.errors import ConfigError

SHA = "ab" * 32
WHOLE = f"""\
[project]
name = "digits"
requires-python = ">=3.11"
dependencies = ["numpy>=2", "click"]

[project.optional-dependencies]
Plot_Tools = ["matplotlib"]
all = ["digits[plot-tools]", "rich"]

[dependency-groups]
train = ["tensorflow-cpu==2.21.0", {{ include-group = "Base_Set" }}, "numpy>=2"]
base-set = ["scikit-learn"]

[tool.other]
unknown = true

[tool.nixrepro]
record-urls = false

[tool.nixrepro.base]
source = "debian"
suite = "trixie"
packages = ["gcc", "g++"]
mirror = "https://mirror.example/debian"

[tool.nixrepro.overrides]
libc6 = "sid"

[tool.nixrepro.wheels]
project = true
extras = ["all"]
groups = ["Train"]
no-binary = ["Scikit_Learn"]

[tool.nixrepro.train]
command = ["python", "train/digits.py", "--epochs=2"]

[tool.nixrepro.settings]
seed = 7
deterministic = false
pass = ["WANDB_API_KEY"]

[tool.nixrepro.settings.variables]
OMP_NUM_THREADS = "2"

[tool.nixrepro.data.mnist]
url = "https://data.example/mnist.npz"
sha256 = "{SHA}"
optional = true

[tool.nixrepro.data.local]
path = "data/local file.csv"
sha256 = "{SHA}"
size = 12
store = true
"""


def parse(text: str = WHOLE) -> Config:
    return config.parse(text, Path("project"))


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value


def line(text: str, start: str) -> int:
    return next(n for n, found in enumerate(text.splitlines(), 1) if found.startswith(start))


def test_everything_is_read() -> None:
    got = parse()
    assert (got.name, got.requires_python, got.record_urls) == ("digits", ">=3.11", False)
    assert got.base == config.Base(
        suite="trixie", packages=("gcc", "g++"), mirror="https://mirror.example/debian"
    )
    assert got.overrides == (("libc6", "sid"),)
    assert got.train.command == ("python", "train/digits.py", "--epochs=2")
    assert got.settings == config.Settings(
        seed=7,
        deterministic=False,
        pass_=("WANDB_API_KEY",),
        variables=(("OMP_NUM_THREADS", "2"),),
    )
    assert got.data == (
        config.Data("local", SHA, path="data/local file.csv", size=12, store=True),
        config.Data("mnist", SHA, url="https://data.example/mnist.npz", optional=True),
    )


def test_requirements_come_in_file_order_each_once_through_extras_and_groups() -> None:
    assert parse().wheels.requirements == (
        "numpy>=2",
        "click",
        "matplotlib",
        "rich",
        "tensorflow-cpu==2.21.0",
        "scikit-learn",
    )
    assert parse().wheels.no_binary == ("scikit-learn",)
    without = parse(WHOLE.replace("project = true", "project = false"))
    assert without.wheels.requirements[0] == "matplotlib"


def test_an_empty_table_means_the_defaults() -> None:
    got = parse("[tool.nixrepro]\n")
    assert (got.base, got.train, got.settings) == (
        config.Base(),
        config.Train(),
        config.Settings(),
    )
    assert got.name == "project"
    assert got.record_urls is True
    assert got.wheels.requirements == ()


# What is replaced, by what, the line's start, the full key, and a piece of the hint.
WRONG = [
    ("record-urls", "record-url", "record-url", "tool.nixrepro.record-url ", "record-urls?"),
    ("[tool.nixrepro.wheels]", "[tool.nixrepro.wheel]", "[tool.nixrepro.wheel]",
     "tool.nixrepro.wheel ", "tool.nixrepro.wheels?"),
    ("packages =", "package =", "package", "tool.nixrepro.base.package ",
     "tool.nixrepro.base.packages?"),
    ("extras =", "extra =", "extra", "tool.nixrepro.wheels.extra ", "wheels.extras?"),
    ("command =", "comand =", "comand", "tool.nixrepro.train.comand ", "train.command?"),
    ("seed =", "sed =", "sed", "tool.nixrepro.settings.sed ", "settings.seed?"),
    ("sha256 =", "sha265 =", "sha265", "tool.nixrepro.data.local.sha265 ", "data.local.sha256?"),
    ("mirror =", "frobnicate =", "frobnicate", "tool.nixrepro.base.frobnicate ",
     "known: source, suite"),
    ('suite = "trixie"', 'suite = "trixi"', "suite", "tool.nixrepro.base.suite ", "'trixie'?"),
    ('libc6 = "sid"', 'libc6 = "side"', "libc6", "tool.nixrepro.overrides.libc6 ", "'sid'?"),
    ('libc6 = "sid"', '"../x" = "sid"', '"../x"', 'tool.nixrepro.overrides."../x" ', ""),
    ('source = "debian"', 'source = "debain"', "source", "tool.nixrepro.base.source ",
     "'debian'?"),
    ('extras = ["all"]', 'extras = ["plot"]', "extras", "tool.nixrepro.wheels.extras ",
     "known: Plot_Tools, all"),
    ('groups = ["Train"]', 'groups = ["trian"]', "groups", "tool.nixrepro.wheels.groups ",
     "'train'?"),
    ('"Base_Set"', '"base-st"', "train", "dependency-groups.train ", "'base-set'?"),
    ('{ include-group = "Base_Set" }', "3", "train", "dependency-groups.train ", ""),
    ('base-set = ["scikit-learn"]', 'base-set = [{include-group = "train"}]', "train",
     "dependency-groups.train includes itself", ""),
    ('"digits[plot-tools]"', '"digits[all]"', "all",
     "project.optional-dependencies.all includes itself", ""),
    ("record-urls = false", "record-urls = 0", "record-urls",
     "tool.nixrepro.record-urls must be true or false, not a whole number", ""),
    ("seed = 7", 'seed = "7"', "seed", "must be a whole number, not a string", ""),
    ("seed = 7", "seed = true", "seed", "must be a whole number, not true or false", ""),
    ("seed = 7", "seed = -1", "seed", "must be from 0 to 4294967295, not -1", ""),
    ("deterministic = false", "deterministic = 2020-01-01", "deterministic",
     "must be true or false, not a date or time", ""),
    ('packages = ["gcc", "g++"]', 'packages = "gcc"', "packages",
     "tool.nixrepro.base.packages must be a list, not a string", ""),
    ('packages = ["gcc", "g++"]', "packages = [1]", "packages", "list of strings", ""),
    ('packages = ["gcc", "g++"]', 'packages = ["../gcc"]', "packages", "'../gcc'", ""),
    ('OMP_NUM_THREADS = "2"', "OMP_NUM_THREADS = 2", "OMP_NUM_THREADS",
     "tool.nixrepro.settings.variables.OMP_NUM_THREADS must be a string", ""),
    ('OMP_NUM_THREADS = "2"', '"A=B" = "2"', '"A=B"', "not a variable's name", ""),
    ('OMP_NUM_THREADS = "2"', 'NIXREPRO_SEED = "2"', "NIXREPRO_SEED", "nixrepro's own", ""),
    ('pass = ["WANDB_API_KEY"]', 'pass = ["A B"]', "pass", "tool.nixrepro.settings.pass ",
     ""),
    *(
        ("OMP_NUM_THREADS =", f"{name} =", name,
         f"tool.nixrepro.settings.variables.{name} can't set {name}: it is the environment's own",
         "its own files")
        for name in ("PATH", "SHELL", "GCONV_PATH", "OPENSSL_CONF", "PYTHONUSERBASE")
    ),
    ("WANDB_API_KEY", "PATH", "pass", "tool.nixrepro.settings.pass can't set PATH",
     "its own files"),
    *(
        ("WANDB_API_KEY", name, "pass",
         f"tool.nixrepro.settings.pass can't let {name} pass", "settings.variables]")
        for name in ("TZ", "LANG", "LC_ALL", "CUBLAS_WORKSPACE_CONFIG", "MALLOC_ARENA_MAX")
    ),
    ("https://mirror.example", "mirror.example", "mirror", "tool.nixrepro.base.mirror ", ""),
    ("https://data.example/", "https://data.example/${x}", "url",
     "tool.nixrepro.data.mnist.url ", ""),
    ("data/local file.csv", "../secret", "path", "tool.nixrepro.data.local.path ", "relative"),
    ("data/local file.csv", "/etc/passwd", "path", "tool.nixrepro.data.local.path ", "relative"),
    ("data/local file.csv", "a/\\u0000b", "path", "control character", ""),
    ('path = "data/local file.csv"', "", "[tool.nixrepro.data.local]",
     "tool.nixrepro.data.local needs a url or a path", ""),
    (f'sha256 = "{SHA}"\nsize', "size", "[tool.nixrepro.data.local]",
     "tool.nixrepro.data.local lacks the key 'digest'", "nixrepro data add local PATH"),
    (f'sha256 = "{SHA}"\nsize', f'sha256 = "{SHA}"\ndigest = "sha256:{SHA}"\nsize', "digest",
     "tool.nixrepro.data.local.digest says again what sha256 says", "keep one"),
    (f'sha256 = "{SHA}"\nsize', f'digest = "md5:{SHA}"\nsize', "digest",
     "tool.nixrepro.data.local.digest is not sha256: (of a file) or merkle:", ""),
    (f'sha256 = "{SHA}"\noptional', f'digest = "merkle:{SHA}"\noptional', "digest",
     "tool.nixrepro.data.mnist.digest is that of a folder", "sha256:"),
    ("optional = true", "store = false", "store",
     "tool.nixrepro.data.mnist.store can't be false", ""),
    ('url = "https://data.example/mnist.npz"', 'dvc = "x"', "dvc",
     "tool.nixrepro.data.mnist.dvc says again what sha256 says", ""),
    (f'sha256 = "{SHA}"\nsize', 'dvc = "x.dvc"\nsize', "path",
     "tool.nixrepro.data.local.path does not go with dvc", ""),
    (f'path = "data/local file.csv"\nsha256 = "{SHA}"\nsize = 12\nstore = true',
     'dvc = "x.yaml"', "dvc", "tool.nixrepro.data.local.dvc is no .dvc file", ""),
    ("data/local file.csv", ".nixrepro/x", "path", "tool.nixrepro.data.local.path ", "relative"),
    (SHA, SHA.upper(), "sha256", "tool.nixrepro.data.local.sha256 is not 64 hex digits", ""),
    ("[tool.nixrepro.data.mnist]", '[tool.nixrepro.data."../x"]', '[tool.nixrepro.data."../x"]',
     'tool.nixrepro.data."../x" is not a plain name', ""),
    ('command = ["python", "train/digits.py", "--epochs=2"]', "command = []", "command",
     "must name a program", ""),
    ('dependencies = ["numpy>=2", "click"]', 'dynamic = ["dependencies"]', "dynamic",
     "project.dynamic leaves the dependencies", "project = false"),
    ('"numpy>=2", "click"]', '"--index-url x"]', "dependencies", "project.dependencies ", ""),
    ("[tool.nixrepro.train]\n", "[[tool.nixrepro.train]]\n", "[[tool.nixrepro.train]]",
     "tool.nixrepro.train must be a table, not a list", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "start", "key", "hint"), WRONG)
def test_what_is_wrong_is_said_with_key_line_and_what_was_meant(
    old: str, new: str, start: str, key: str, hint: str
) -> None:
    assert old in WHOLE
    text = WHOLE.replace(old, new)
    error = refused(text)
    where = [n for n, found in enumerate(text.splitlines(), 1) if found.startswith(start)]
    assert int(error.message.split(":")[1]) in where
    assert key in error.message
    assert hint in error.hint


@pytest.mark.parametrize("name", ["TZ", "LANG", "LC_ALL", "CUDA_VISIBLE_DEVICES", "PATHS"])
def test_what_a_project_may_state(name: str) -> None:
    got = parse(WHOLE.replace("OMP_NUM_THREADS", name))
    assert got.settings.variables == ((name, "2"),)


def test_two_files_for_one_url_are_refused() -> None:
    text = WHOLE.replace('path = "data/local file.csv"', 'url = "https://data.example/mnist.npz"')
    assert "tool.nixrepro.data.mnist.url is that of data.local too" in refused(text).message


def test_text_that_is_not_toml_is_refused_with_its_line() -> None:
    error = refused("[tool.nixrepro]\nseed = \n")
    assert error.message.startswith("pyproject.toml:2: not valid TOML")


def test_a_merge_conflict_is_called_one() -> None:
    error = refused("<<<<<<< ours\n[tool.nixrepro]\n=======\n>>>>>>> theirs\n")
    assert "merge conflict" in error.hint


def test_nesting_without_end_is_refused() -> None:
    assert "nested too deeply" in refused("[tool.nixrepro]\nx = " + "[" * 100_000).message


def test_a_file_without_the_table_is_refused_with_what_to_do() -> None:
    assert "nixrepro init" in refused("[project]\nname = 'x'\n").hint


def test_the_root_is_found_from_below_past_other_projects(tmp_path: Path) -> None:
    inner = tmp_path / "packages" / "part" / "src"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.nixrepro]\n")
    (inner.parent / "pyproject.toml").write_text("[project]\nname = 'part'\n")
    assert config.find_root(inner) == tmp_path
    assert config.load(tmp_path).root == tmp_path


def test_a_broken_file_on_the_way_is_not_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "part"
    inner.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.nixrepro]\n")
    (inner / "pyproject.toml").write_text("[tool.nixrepro\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        config.load(config.find_root(inner))


def test_a_folder_outside_any_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no pyproject\.toml") as caught:
        config.find_root(tmp_path)
    assert "nixrepro init" in caught.value.hint
    with pytest.raises(ConfigError, match="no folder"):
        config.find_root(tmp_path / "absent")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8"),
        (lambda path: path.mkdir(), "can't read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, make, said: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "pyproject.toml")
    with pytest.raises(ConfigError, match=said):
        config.load(tmp_path)


def test_a_data_file_that_is_not_there_is_said_with_key_and_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(WHOLE)
    got = config.load(tmp_path)
    with pytest.raises(ConfigError) as caught:
        config.check_files(got)
    number = line(WHOLE, 'path = "data/local')
    assert caught.value.message.startswith(
        f"pyproject.toml:{number}: tool.nixrepro.data.local.path names a file that is not there"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "local file.csv").touch()
    config.check_files(got)


def test_the_question_leaves_out_what_changes_no_artefact() -> None:
    same = (
        WHOLE.replace("seed = 7", "seed = 8")
        .replace("train/digits.py", "other.py")
        .replace("mirror.example", "other.example")
        .replace('"gcc", "g++"', '"g++", "gcc", "g++"')
    )
    assert config.question(parse(same)) == config.question(parse())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"gcc", ', ""),
        ('"trixie"', '"sid"'),
        ('"click"', '"click>8"'),
        ('libc6 = "sid"', 'libc6 = "trixie"'),
        ("Scikit_Learn", "numpy"),
        ("record-urls = false", "record-urls = true"),
        (">=3.11", ">=3.12"),
        ("optional = true", ""),
        ("size = 12", "size = 13"),
        (SHA, "cd" * 32),
        ("mnist.npz", "other.npz"),
        ("local file.csv", "file.csv"),
    ],
)
def test_the_question_holds_what_changes_artefacts(old: str, new: str) -> None:
    assert old in WHOLE
    assert config.question(parse(WHOLE.replace(old, new))) != config.question(parse())


def numerics(text: str) -> Config:
    return config.parse(f"[tool.nixrepro.numerics]\n{text}\n", Path("/p"))


def test_the_numerics_profile_is_native_and_the_machine_decides() -> None:
    assert config.parse("[tool.nixrepro]\n", Path("/p")).numerics == config.Numerics(
        "native", threads=0
    )


def test_a_portable_profile_has_a_cpu_and_threads() -> None:
    found = numerics('profile = "portable"').numerics
    assert found == config.Numerics("portable", "x86-64-v3", 4)
    found = numerics('profile = "portable"\ncpu = "haswell"\nthreads = 1').numerics
    assert found == config.Numerics("portable", "haswell", 1)
    assert numerics("threads = 2").numerics == config.Numerics("native", threads=2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('profile = "portabel"', "portable"),
        ('profile = "portable"\ncpu = "haswel"', "haswell"),
        ('cpu = "haswell"', 'add profile = "portable"'),
        ("threads = 0", "tool.nixrepro.numerics.threads"),
        ("thread = 1", "threads"),
    ],
)
def test_a_wrong_profile_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        numerics(text)
    assert said in f"{error.value.message} {error.value.hint}"


def test_a_portable_profile_asks_for_the_compiler_that_its_cpu_is_built_with() -> None:
    portable = numerics('profile = "portable"')
    asked = config.question(portable)["base"]
    assert (asked["packages"], asked["for-profile"]) == ([], ["gcc"])
    (said,) = config.notes(portable)
    assert said == "gcc is added: the portable profile's virtual CPU is built with it"
    native = numerics("threads = 2")
    assert "for-profile" not in config.question(native)["base"]
    assert list(config.notes(native)) == []


@pytest.mark.parametrize("cpu", ["cpus/lab.cpu", "lab.cpu", "cpus/lab"])
def test_a_cpu_may_be_a_table_of_the_project(tmp_path: Path, cpu: str) -> None:
    text = f'[tool.nixrepro.numerics]\nprofile = "portable"\ncpu = "{cpu}"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        config.load(tmp_path)
    assert "pyproject.toml:3: tool.nixrepro.numerics.cpu" in error.value.message
    assert "not there" in error.value.message and "--cpu" in error.value.hint
    file = tmp_path / cpu
    file.parent.mkdir(exist_ok=True)
    file.write_text("# a machine\n00000000  * 0000000d 756e6547\n")
    with pytest.raises(ConfigError) as error:
        config.load(tmp_path)
    assert "pyproject.toml:3: tool.nixrepro.numerics.cpu" in error.value.message
    assert f"{cpu}:2" in error.value.message
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no text"):
        config.load(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match="can't be read"):
        config.load(tmp_path)
    file.rmdir()
    file.write_text("00000000  * 0000000d 756e6547 6c65746e 49656e69\n")
    found = config.load(tmp_path).numerics
    assert (found.cpu, found.table, found.threads) == (cpu, cpu, 4)


@pytest.mark.parametrize("cpu", ["../lab.cpu", "/etc/lab.cpu", ".nixrepro/x.cpu", "a/${b}.cpu"])
def test_a_table_stays_in_the_project(cpu: str) -> None:
    with pytest.raises(ConfigError) as error:
        numerics(f'profile = "portable"\ncpu = "{cpu}"')
    assert "tool.nixrepro.numerics.cpu" in error.value.message


def test_a_name_is_no_table() -> None:
    assert numerics('profile = "portable"\ncpu = "haswell"').numerics.table == ""
