"""What strace wrote, recorded, is read call by call."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.strace import Event, descriptor, events, quoted, unescape

RECORDED = Path(__file__).parent / "recorded" / "strace"


def recorded(name: str) -> list[Event]:
    with (RECORDED / name).open(encoding="utf-8", errors="surrogateescape") as lines:
        return list(events(lines))


def one(line: str) -> Event:
    (event,) = events([line])
    return event


def test_every_call_of_a_recorded_program_is_read() -> None:
    counts = Counter(event.call for event in recorded("program.trace"))
    for call, count in {"execve": 2, "connect": 5, "bind": 1, "listen": 1, "sendto": 1}.items():
        assert counts[call] == count
    assert counts["rename"] == counts["mkdir"] == counts["unlink"] == counts["symlink"] == 1


def test_calls_that_were_cut_are_joined() -> None:
    looked = [
        event
        for event in recorded("program.trace")
        if event.call == "newfstatat" and '"/usr"' in event.arguments
    ]
    assert len(looked) == 40
    assert len({event.pid for event in looked}) == 3
    assert {event.result for event in looked} == {"0"}
    assert {len(event.arguments) for event in looked} == {4}


def test_signals_and_exits_are_no_calls() -> None:
    lines = [
        "7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=8} ---\n",
        "8 +++ killed by SIGKILL +++\n",
        "strace: Process 7 attached\n",
        "7 <... openat resumed>, O_RDONLY) = 3\n",
    ]
    assert list(events(lines)) == []


def test_arguments_are_told_apart() -> None:
    event = one(
        '12 openat(AT_FDCWD</a, (b)>, "x\\", y)", O_RDONLY|O_CLOEXEC) = 3</a, (b)/x\\", y)>\n'
    )
    assert event.arguments == ("AT_FDCWD</a, (b)>", '"x\\", y)"', "O_RDONLY|O_CLOEXEC")
    assert quoted(event.arguments[1]) == 'x", y)'
    assert descriptor(event.result) == '/a, (b)/x", y)'


def test_structures_stay_one_argument() -> None:
    event = one("9 connect(3<TCP:[1]>, {sa_family=AF_INET, sin_port=htons(9)}, 16) = 0\n")
    assert event.arguments == ("3<TCP:[1]>", "{sa_family=AF_INET, sin_port=htons(9)}", "16")


def test_stacks_belong_to_the_call_above() -> None:
    found = recorded("stacks.trace")
    start = next(event for event in found if event.call == "execve")
    opened = next(event for event in found if event.call == "openat")
    for event in (start, opened):
        assert event.stack[0].endswith("libc.so.6")
        assert any(path.endswith("/bin/python3.11") for path in event.stack)


@pytest.mark.parametrize(
    ("printed", "path"),
    [
        ("3</etc/hostname>", "/etc/hostname"),
        ("AT_FDCWD</home/ada/project>", "/home/ada/project"),
        ("0</dev/null<char 1:3>>", "/dev/null"),
        ('7</home/ada/b\\303\\251d \\"na\\\\m\\76e>', '/home/ada/b\u00e9d "na\\m>e'),
        ("1<pipe:[1561146]>", ""),
        ("5<TCP:[127.0.0.1:46197]>", ""),
        ("9</memfd:x (deleted)>", ""),
        ("-1 ENOENT (No such file or directory)", ""),
        ("12", ""),
    ],
)
def test_descriptors(printed: str, path: str) -> None:
    assert descriptor(printed) == path


def escaped(name: bytes) -> str:
    """As strace writes bytes."""
    plain = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x09: "\\t"}
    return "".join(
        plain.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in name
    )


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_every_name_survives(name: bytes) -> None:
    assert unescape(escaped(name)).encode("utf-8", "surrogateescape") == name


@given(st.text(max_size=80))
def test_no_line_breaks_the_reader(text: str) -> None:
    list(events([f"1 {text}", f"1 openat({text}", f"1 <... openat resumed>{text}", text]))
