"""Writes the members of a zip archive to files: each whole, and with the checksum it should have.

Formats: PKWARE's application note for zip archives, RFC 1951 for what is deflated in them.
"""

import errno
import mmap
import os
import struct
import zipfile
import zlib

LOCAL = struct.Struct("<4s22xHH")  # signature, length of the name, length of what follows it
ENCRYPTED = 0x1 | 0x20 | 0x40  # or patched, which nobody writes either
MAP_POPULATE = 0x8000  # Python names it from 3.10 on
# Above this many bytes a file is inflated in place; below, by way of memory that stays warm.
LARGE = 1 << 22
PIECE = 1 << 18
# Above this many bytes the faster library is worth its loading.
MUCH = 1 << 20


class Damaged(Exception):
    """A member is not what the archive says of it."""


class Inflater:
    """Inflates in one step with libdeflate, twice as fast as zlib, where the bootstrap has it.

    Args:
        much: whether there is so much to do that loading it pays. Both give the same bytes.
    """

    def __init__(self, much):
        self.library = None
        if much:
            import ctypes

            try:
                self.library = ctypes.CDLL("libdeflate.so.0")
            except OSError:  # a lock from before it was in the bootstrap
                return
            pointer, size = ctypes.c_void_p, ctypes.c_size_t
            self.library.libdeflate_alloc_decompressor.restype = pointer
            self.inflate = self.library.libdeflate_deflate_decompress
            self.inflate.argtypes = [pointer, pointer, size, pointer, size, pointer]
            self.crc32 = self.library.libdeflate_crc32
            self.crc32.argtypes = [ctypes.c_uint32, pointer, size]
            self.crc32.restype = ctypes.c_uint32
            self.address = lambda buffer: ctypes.addressof(ctypes.c_char.from_buffer(buffer))
            self.state = self.library.libdeflate_alloc_decompressor()

    def fill(self, packed, info, target):
        """Inflate a member into a buffer that has just its size.

        Args:
            packed: its bytes in the archive, in writable memory.
            info: what the archive's directory says of it.
            target: where it goes.
        """
        if self.library:
            to, size = self.address(target), info.file_size
            if info.compress_type == zipfile.ZIP_STORED:
                target[:] = packed
            elif self.inflate(self.state, self.address(packed), len(packed), to, size, None) != 0:
                raise Damaged(info.filename)
            found = self.crc32(0, to, size)
        else:
            stored = info.compress_type == zipfile.ZIP_STORED
            plain = bytes if stored else zlib.decompressobj(-15).decompress
            size = 0
            for start in range(0, len(packed), PIECE):
                part = plain(packed[start : start + PIECE])
                if size + len(part) > info.file_size:
                    raise Damaged(info.filename)
                target[size : size + len(part)] = part
                size += len(part)
            if size != info.file_size:
                raise Damaged(info.filename)
            found = zlib.crc32(target)
        if found != info.CRC:
            raise Damaged(info.filename)


def extract(path, places):
    """Write members of an archive.

    Args:
        path: the archive.
        places: (what its directory says of a member, the file to write) of each.

    Raises:
        Damaged: a member is cut short or damaged.
        NotImplementedError: it is packed as nobody packs wheels.
    """
    inflater = Inflater(sum(info.file_size for info, _ in places) > MUCH)
    warm = bytearray(LARGE)
    # What is mapped stays so as long as something points at it.
    with open(path, "rb") as stream:
        archive = memoryview(mmap.mmap(stream.fileno(), 0, mmap.MAP_PRIVATE))
    for info, target in places:
        mode = 0o755 if info.external_attr >> 16 & 0o111 else 0o644
        handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)
        packed = located(archive, info)
        if info.file_size > LARGE:
            os.posix_fallocate(handle, 0, info.file_size)  # a full disk says so here
            whole = memoryview(mmap.mmap(handle, info.file_size, mmap.MAP_SHARED | MAP_POPULATE))
            inflater.fill(packed, info, whole)
        elif info.file_size:
            part = memoryview(warm)[: info.file_size]
            inflater.fill(packed, info, part)
            if os.write(handle, part) != info.file_size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)
        elif info.CRC:
            raise Damaged(info.filename)
        os.close(handle)


def located(view, info):
    """The packed bytes of a member: they lie behind a header of its own."""
    if info.flag_bits & ENCRYPTED:
        raise NotImplementedError("%s is encrypted" % info.filename)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError("%s is neither stored nor deflated" % info.filename)
    try:
        signature, name, extra = LOCAL.unpack_from(view, info.header_offset)
    except struct.error:
        raise Damaged(info.filename) from None
    start = info.header_offset + LOCAL.size + name + extra
    end = start + info.compress_size
    stored = info.compress_type == zipfile.ZIP_STORED
    if (
        signature != b"PK\x03\x04"
        or end > len(view)
        or (stored and info.compress_size != info.file_size)
    ):
        raise Damaged(info.filename)
    return view[start:end]
