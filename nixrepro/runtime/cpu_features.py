"""What a table of CPUID says: the CPU's features by name, its maker, its name, its caches."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    Answers = tuple[int, int, int, int]
    Ask = Callable[[int, int], Answers]
    # A table's lines, or what `answering` made of them, which saves reading them again.
    Table = Iterable[str] | Ask

# The leaves of Intel and of AMD that tell of caches, a subleaf each.
CACHES = (4, 0x8000001D)
# Register: 0 EAX, 1 EBX, 2 ECX, 3 EDX. The names of its bits from 0 on, "-" where there is none.
# Sources as in table.c of vcpu; the names are those of Linux's arch/x86/include/asm/cpufeatures.h.
_BITS: tuple[tuple[int, int, int, str], ...] = (
    (1, 0, 3, "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush"
     " - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"),
    (1, 0, 2, "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr"
     " pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave osxsave avx"
     " f16c rdrand hypervisor"),
    (7, 0, 1, "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a"
     " avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er"
     " avx512cd sha_ni avx512bw avx512vl"),
    (7, 0, 2, "prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes"
     " vpclmulqdq avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid -"
     " bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc pks"),
    (7, 0, 3, "- - avx512_4vnniw avx512_4fmaps fsrm uintr - - avx512_vp2intersect - md_clear"
     " rtm_always_abort - - serialize - tsxldtrk - pconfig arch_lbr ibt - amx_bf16 avx512_fp16"
     " amx_tile amx_int8"),
    (7, 1, 0, "sha512 sm3 sm4 - avx_vnni avx512_bf16 - cmpccxadd - - fzrm fsrs fsrc - - - - fred"
     " lkgs - - amx_fp16 - avx_ifma - - lam"),
    (7, 1, 3, "- - - - avx_vnni_int8 avx_ne_convert - - amx_complex - avx_vnni_int16 - - - - - -"
     " - - avx10 - apx_f"),
    (0x80000001, 0, 2, "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse"
     " 3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core"
     " perfctr_nb - bpext ptsc perfctr_llc mwaitx"),
    (0x80000001, 0, 3, "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt"
     " pdpe1gb rdtscp - lm 3dnowext 3dnow"),
    (0x80000008, 0, 1, "clzero irperf xsaveerptr - rdpru - - - - wbnoinvd"),
)  # fmt: skip
# Instructions that a program may use when it is told of them: a CPU must have those of a table.
_PROMISES = (
    "cmov sse sse2 pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave osxsave "
    "avx f16c rdrand fsgsbase bmi1 hle avx2 bmi2 rtm avx512f avx512dq rdseed adx avx512ifma "
    "clflushopt clwb avx512pf avx512er avx512cd sha_ni avx512bw avx512vl avx512vbmi waitpkg "
    "avx512_vbmi2 gfni vaes vpclmulqdq avx512_vnni avx512_bitalg avx512_vpopcntdq rdpid "
    "movdiri movdir64b avx512_4vnniw avx512_4fmaps avx512_vp2intersect serialize tsxldtrk "
    "amx_bf16 avx512_fp16 amx_tile amx_int8 sha512 sm3 sm4 avx_vnni avx512_bf16 cmpccxadd "
    "amx_fp16 avx_ifma avx_vnni_int8 avx_ne_convert amx_complex avx_vnni_int16 avx10 apx_f "
    "lahf_lm abm sse4a 3dnowprefetch xop fma4 tbm mwaitx rdtscp 3dnowext 3dnow clzero"
)


def features(lines: Table) -> frozenset[str]:
    """What a table promises, by the names of /proc/cpuinfo; of bits that have one here."""
    return frozenset(_named(lines))


def known() -> frozenset[str]:
    """All names that `features` can give."""
    return frozenset(name for *_, names in _BITS for name in names.split()) - {"-"}


def lacking(wanted: Table, have: Table) -> list[str]:
    """Which instructions one table promises and another does not: what `vcpu` refuses.

    Args:
        wanted: the table to compute on.
        have: the CPU's own.
    """
    there, promises = features(have), set(_PROMISES.split())
    return [name for name in _named(wanted) if name in promises and name not in there]


def named(lines: Table) -> str:
    """The CPU's name by itself, such as "AMD EPYC 7763 64-Core Processor"; "" where it has none."""
    answers = answering(lines)
    parts = [answers(leaf, 0) for leaf in (0x80000002, 0x80000003, 0x80000004)]
    return " ".join(_text(value for part in parts for value in part).split())


def vendor(lines: Table) -> str:
    """The CPU's maker as it says it, such as "GenuineIntel"."""
    _, first, third, second = answering(lines)(0, 0)
    return _text((first, second, third))


def signature(lines: Table) -> tuple[int, int, int]:
    """Family, model and stepping, as /proc/cpuinfo counts them."""
    value = answering(lines)(1, 0)[0]
    family, model = value >> 8 & 15, value >> 4 & 15
    if family in (6, 15):
        model |= value >> 12 & 0xF0
    if family == 15:  # noqa: PLR2004
        family += value >> 20 & 255
    return family, model, value & 15


def caches(lines: Table) -> list[dict[str, Any]]:
    """The caches that a table tells of, as /sys does; which cores share one it does not know."""
    ask = answering(lines)
    found = []
    for leaf in CACHES:
        for subleaf in range(16):
            a, b, c, _ = ask(leaf, subleaf)
            if not a & 31:
                break
            ways, line = (b >> 22) + 1, (b & 0xFFF) + 1
            size = ways * line * ((b >> 12 & 0x3FF) + 1) * (c + 1)
            found.append(
                {
                    "level": a >> 5 & 7,
                    "type": ("", "Data", "Instruction", "Unified")[min(a & 31, 3)],
                    "size": f"{size >> 10}K",
                    "ways": str(ways),
                    "line": str(line),
                    "shared": "",
                }
            )
        if found:
            break
    return found


def answering(lines: Table) -> Ask:
    """A function that answers as a CPU of this table does: leaf and subleaf to four registers."""
    if callable(lines):
        return lines
    kept: dict[tuple[int, int], Answers] = {}
    for line in lines:
        leaf, subleaf, *answers = line.split()
        a, b, c, d = (int(value, 16) for value in answers)
        key = (int(leaf, 16), -1 if subleaf == "*" else int(subleaf, 16))
        kept.setdefault(key, (a, b, c, d))

    def answer(leaf: int, subleaf: int) -> Answers:
        return kept.get((leaf, -1)) or kept.get((leaf, subleaf)) or (0, 0, 0, 0)

    return answer


def _named(lines: Table) -> Iterator[str]:
    answers = answering(lines)
    for leaf, subleaf, register, names in _BITS:
        value = answers(leaf, subleaf)[register]
        for bit, name in enumerate(names.split()):
            if value >> bit & 1 and name != "-":
                yield name


def _text(values: Iterable[int]) -> str:
    data = b"".join(value.to_bytes(4, "little") for value in values)
    return data.partition(b"\0")[0].decode("ascii", "replace")
