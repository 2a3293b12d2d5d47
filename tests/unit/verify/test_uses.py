"""What a recorded program did is told from its calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.strace import events
from nixrepro.verify.uses import Kind, Use, uses

RECORDED = Path(__file__).parents[1] / "recorded" / "strace" / "program.trace"
PROJECT = "/home/ada/project"
PYTHON = "/nix/store/5slm6lwm158s3w8y6df6dadbq600vhlf-nixrepro-environment/bin/python"


@pytest.fixture(scope="module")
def seen() -> list[Use]:
    with RECORDED.open(encoding="utf-8", errors="surrogateescape") as lines:
        return list(uses(events(lines), PROJECT))


def of(*lines: str) -> list[Use]:
    return list(uses(events(lines), PROJECT))


def subjects(seen: list[Use], kind: Kind) -> Iterator[str]:
    return (use.subject for use in seen if use.kind is kind and use.found)


def test_files_are_named_whole_wherever_they_were_asked_from(seen: list[Use]) -> None:
    read = set(subjects(seen, Kind.READ))
    assert {"/etc/hostname", "/etc/passwd", "/etc/host.conf", "/etc/mtab", "/etc/hosts"} <= read
    assert "/etc/nothing" not in read


def test_what_was_not_there_was_asked_for_and_not_found(seen: list[Use]) -> None:
    (use,) = [use for use in seen if use.subject == "/etc/nothing"]
    assert not use.found


def test_a_look_at_a_name_is_told_from_reading(seen: list[Use]) -> None:
    by_subject = {use.subject: use for use in seen}
    assert by_subject["/etc/passwd"].named
    assert not by_subject["/etc/host.conf"].named


def test_links_are_followed_where_the_kernel_says_so(seen: list[Use]) -> None:
    opened = {use.subject for use in seen if not use.named}
    assert "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13" in opened


def test_writing_is_told_from_reading(seen: list[Use]) -> None:
    written = set(subjects(seen, Kind.WRITE))
    names = ('b\u00e9d "na\\m>e', "host.so", "other.so", "made", "link")
    assert written == {f"{PROJECT}/{name}" for name in names}


def test_programs_and_who_started_them(seen: list[Use]) -> None:
    started = {use.subject: use for use in seen if use.kind is Kind.START}
    assert started.keys() == {PYTHON, "/bin/true"}
    assert started["/bin/true"].program == PYTHON
    assert {use.program for use in seen if use.subject == "/etc/ld.so.cache"} == {"/bin/true"}


def test_objects_that_were_mapped_as_code(seen: list[Use]) -> None:
    mapped = list(subjects(seen, Kind.MAP))
    assert mapped[-2:] == [f"{PROJECT}/host.so", "/usr/lib/x86_64-linux-gnu/libc.so.6"]


def test_addresses_but_for_the_programs_own(seen: list[Use]) -> None:
    assert list(subjects(seen, Kind.CONNECT)) == [
        "127.0.0.1:9",
        "127.0.0.1:9",
        "[::1]:9",
        "@abstract",
        "/run/nothing",
    ]


def test_a_server_on_every_interface_is_the_programs_own() -> None:
    address = 'sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")'
    call = f"1 connect(4<TCP:[2]>, {{sa_family=AF_INET, {address}}}, 16) = 0\n"
    assert [use.subject for use in of(call)] == ["127.0.0.1:80"]
    assert of("1 listen(3<TCP:[0.0.0.0:80]>, 5) = 0\n", call) == []


def test_a_thread_has_its_parents_program_and_folder() -> None:
    found = of(
        '1 execve("/nix/store/x/bin/p", [...], 0x1 /* 3 vars */) = 0\n',
        '1 chdir("/etc")                     = 0\n',
        "1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n",
        '2 access("hosts", R_OK)             = 0\n',
        "1 <... clone resumed>)             = 2\n",
        '2 access("passwd", R_OK)            = 0\n',
    )
    assert [(use.subject, use.program) for use in found[-2:]] == [
        ("/etc/hosts", "/nix/store/x/bin/p"),
        ("/etc/passwd", "/nix/store/x/bin/p"),
    ]


@pytest.mark.parametrize(
    ("call", "kind", "subject"),
    [
        ('openat(AT_FDCWD</x>, "y", O_RDWR) = 3</x/y>', Kind.WRITE, "/x/y"),
        ('openat2(5</x>, "y", {flags=O_RDONLY}, 24) = 3</x/y>', Kind.READ, "/x/y"),
        ('open("/x", O_RDONLY) = 3</z>', Kind.READ, "/z"),
        ('readlinkat(AT_FDCWD</x>, "y", ""..., 9) = 4', Kind.READ, "/x/y"),
        ('statx(AT_FDCWD</x>, "../y", 0, STATX_ALL, {...}) = 0', Kind.READ, "/y"),
        ('renameat2(AT_FDCWD</x>, "a", AT_FDCWD</x>, "b", 0) = 0', Kind.WRITE, "/x/a"),
        ('execveat(5</x>, "p", [...], 0x1, 0) = 0', Kind.START, "/x/p"),
        ('mknod("/x", S_IFIFO|0600) = 0', Kind.WRITE, "/x"),
    ],
)
def test_calls(call: str, kind: Kind, subject: str) -> None:
    use = of(f"1 {call}\n")[0]
    assert (use.kind, use.subject) == (kind, subject)


def test_a_message_to_an_address() -> None:
    name = '{sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.1")}'
    call = f"1 sendmsg(3<UDP:[1]>, {{msg_name={name}, msg_namelen=16}}, 0) = 4\n"
    assert [use.subject for use in of(call)] == ["192.0.2.1:53"]


def test_a_ring_hides_what_is_asked_through_it() -> None:
    (use,) = of("1 io_uring_setup(8, {flags=0, sq_thread_cpu=0}) = 5<anon_inode:[io_uring]>\n")
    assert use.kind is Kind.HIDE
    assert of("1 io_uring_setup(8, {flags=0}) = -1 EPERM (Operation not permitted)\n") == []


CALLS = st.sampled_from(["openat", "mmap", "connect", "listen", "renameat2", "fchdir", "clone"])
PIECES = st.sampled_from(['"x"', "AT_FDCWD</a>", ", ", "3<TCP:[1]>", ") = 0", "PROT_EXEC", "{"])


@given(CALLS, st.lists(PIECES))
def test_a_line_that_was_cut_anywhere_does_no_harm(call: str, pieces: list[str]) -> None:
    of(f"1 {call}({''.join(pieces)}\n")


def test_an_address_that_could_not_be_had_is_another_ones() -> None:
    address = '{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}'
    connect = f"1 connect(4<TCP:[2]>, {address}, 16) = 0\n"
    bind = f"1 bind(3<TCP:[1]>, {address}, 16) = "
    assert of(f"{bind}0\n", connect) == []
    refused = of(f"{bind}-1 EADDRINUSE (Address already in use)\n", connect)
    assert [use.subject for use in refused] == ["127.0.0.1:80"]
