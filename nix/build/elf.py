"""Tells ELF executables from other files, and gives copies of them another loader and libraries.

Format: the System V ABI's object files and dynamic linking, 64-bit little-endian.
"""

import mmap
import os
import struct

HEADER = 64
SEGMENT = struct.Struct("<IIQQQQQQ")  # type, flags, offset, address, _, size in file, size, align
SECTION = struct.Struct("<IIQQQQ")  # name, type, flags, address, offset, size, ...
ENTRY = struct.Struct("<QQ")

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR = 1, 2, 3, 4, 6
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 10, 14, 15, 29
READ_WRITE = 6
PAGE = 0x1000


def interpreter(path):
    """The loader that an ELF executable asks for, or "" where the file is no such thing."""
    with open(path, "rb") as stream:
        head = stream.read(HEADER)
        if len(head) < HEADER or head[:6] != b"\x7fELF\x02\x01":
            return ""
        (offset,) = struct.unpack_from("<Q", head, 32)
        (count,) = struct.unpack_from("<H", head, 56)
        size = os.path.getsize(path)
        stream.seek(min(offset, size))
        table = stream.read(SEGMENT.size * count)
        for segment in SEGMENT.iter_unpack(table[: len(table) // SEGMENT.size * SEGMENT.size]):
            if segment[0] == PT_INTERP:
                stream.seek(min(segment[2], size))
                return stream.read(segment[5]).rstrip(b"\0").decode(errors="replace")
    return ""


def soname(path):
    """The name that a shared object is loaded by, or "" where the file is no such thing."""
    with open(path, "rb") as stream:
        if os.fstat(stream.fileno()).st_size < HEADER:
            return ""
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:6] != b"\x7fELF\x02\x01":
        return ""
    program = Program(data)
    return "".join(
        text_at(program.strings, value) for tag, value in program.entries if tag == DT_SONAME
    )


def copy(source, target):
    """Copy a file's bytes and whether it can be run, for changing."""
    with open(source, "rb") as stream:
        data = stream.read()
    with open(target, "wb") as stream:
        stream.write(data)
    os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)


def patch(path, loader, rpath, needed=(), keep=False, data=None):
    """Change a dynamic executable in place; what changes is written anew, in a segment behind it.

    Args:
        path: the executable.
        loader: full path of the loader to start it with.
        rpath: folders, ":" between them, to find libraries in, also what its libraries need.
        needed: libraries to load before those that it names.
        keep: whether the folders that it names now come first.
        data: its bytes, where they were read already.
    """
    if data is None:
        with open(path, "rb") as stream:
            data = stream.read()
    try:
        program = Program(bytearray(data))
    except (struct.error, KeyError, StopIteration, ValueError):
        raise SystemExit("nixrepro: %s: a damaged executable" % path) from None
    strings = program.strings
    searched, others, named = [], [], set()
    for tag, value in program.entries:
        if tag in (DT_RPATH, DT_RUNPATH):
            searched.append(text_at(strings, value))
        else:
            others.append((tag, value))
            if tag == DT_NEEDED:
                named.add(text_at(strings, value))
    added = []
    for tag, text in [
        *((DT_NEEDED, library) for library in needed if library not in named),
        (DT_RPATH, ":".join([*(searched if keep else []), rpath])),
    ]:
        added.append((tag, len(strings)))
        strings += text.encode() + b"\0"
    program.rewrite(loader.encode() + b"\0", [*added, *others], strings)
    with open(path, "wb") as stream:
        stream.write(program.data)


def text_at(strings, offset):
    return strings[offset : strings.index(b"\0", offset)].decode()


class Program:
    """A dynamic executable's bytes, its segments, and what its dynamic section says."""

    def __init__(self, data):
        self.data = data
        (self.table,) = struct.unpack_from("<Q", data, 32)
        (count,) = struct.unpack_from("<H", data, 56)
        self.segments = list(
            SEGMENT.iter_unpack(data[self.table : self.table + count * SEGMENT.size])
        )
        self.loads = [segment for segment in self.segments if segment[0] == PT_LOAD]
        (dynamic,) = (segment for segment in self.segments if segment[0] == PT_DYNAMIC)
        self.entries = []
        for entry in ENTRY.iter_unpack(data[dynamic[2] : dynamic[2] + dynamic[5]]):
            if entry[0] == DT_NULL:
                break
            self.entries.append(entry)
        said = dict(self.entries)
        start = self.offset(said[DT_STRTAB])
        self.strings = bytes(data[start : start + said[DT_STRSZ]])

    def offset(self, address):
        """Where in the file an address lies."""
        return next(
            load[2] + address - load[3]
            for load in self.loads
            if load[3] <= address < load[3] + load[5]
        )

    def rewrite(self, loader, entries, strings):
        """Give it another loader, dynamic section and strings, in one new segment."""
        end = max(load[3] + load[6] for load in self.loads)
        offset, address = round_up(len(self.data), PAGE), round_up(end, PAGE)
        notes = [number for number, each in enumerate(self.segments) if each[0] == PT_NOTE]
        table = b""
        if notes:
            # Its program header's place is free for the new segment's: nothing needs it to run.
            del self.segments[notes[-1]]
        else:
            # The table must move too, and kernels before 5.18 take for granted that it lies as far
            # from its place in the file as the first segment does.
            shift = self.loads[0][3] - self.loads[0][2]
            offset = round_up(max(offset, address - shift), PAGE)
            address = offset + shift
            table = bytes((len(self.segments) + 1) * SEGMENT.size)

        size = {
            PT_PHDR: len(table),
            PT_INTERP: len(loader),
            PT_DYNAMIC: (len(entries) + 1) * ENTRY.size,
            DT_STRTAB: len(strings),
        }
        begin, total = {}, 0
        for part, length in size.items():
            begin[part] = total
            total += round_up(length, 8)
        moved = {DT_STRTAB: address + begin[DT_STRTAB], DT_STRSZ: len(strings)}
        dynamic = [(tag, moved.get(tag, value)) for tag, value in entries] + [(DT_NULL, 0)]
        self.move_sections(begin, size, offset, address)
        for number, segment in enumerate(self.segments):
            part = segment[0]
            if part in (PT_INTERP, PT_DYNAMIC) or (part == PT_PHDR and table):
                place = (offset + begin[part], *[address + begin[part]] * 2, *[size[part]] * 2)
                self.segments[number] = (*segment[:2], *place, segment[7])
        last = max(number for number, each in enumerate(self.segments) if each[0] == PT_LOAD)
        new = (PT_LOAD, READ_WRITE, offset, address, address, total, total, PAGE)
        self.segments.insert(last + 1, new)

        headers = b"".join(SEGMENT.pack(*segment) for segment in self.segments)
        if table:
            table, self.table = headers, offset
        else:
            self.data[self.table : self.table + len(headers)] = headers
        struct.pack_into("<Q", self.data, 32, self.table)
        struct.pack_into("<H", self.data, 56, len(self.segments))
        self.data += bytes(offset - len(self.data))
        for part in (table, loader, b"".join(ENTRY.pack(*entry) for entry in dynamic), strings):
            self.data += part + bytes(round_up(len(part), 8) - len(part))

    def move_sections(self, begin, size, offset, address):
        """Say it in the section headers too, which debuggers read."""
        old = {each[3]: each[0] for each in self.segments if each[0] in (PT_INTERP, PT_DYNAMIC)}
        old[dict(self.entries)[DT_STRTAB]] = DT_STRTAB
        (sections,) = struct.unpack_from("<Q", self.data, 40)
        length, count = struct.unpack_from("<HH", self.data, 58)
        for where in range(sections, sections + count * length, length):
            section = SECTION.unpack_from(self.data, where)
            if section[3] in old:
                part = old[section[3]]
                place = (address + begin[part], offset + begin[part], size[part])
                SECTION.pack_into(self.data, where, *section[:3], *place)


def round_up(number, unit):
    return -(-number // unit) * unit
