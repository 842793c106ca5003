"""Read the files of a folder or of a ZIP, whose one reading is that of every program.

A part of the verifier, put into its one file (`archive.assemble_verifier`); it imports nothing of ours.
"""

import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

_LOCAL, _END = 30, 22  # bytes of a local header without its name, and of the end of an archive
_UTF_8 = 0x800


def read_files(place: Path) -> dict[str, bytes]:
    """Return the bytes of every file by its path; BadZipFile where two programs could read two things."""
    if place.is_dir():
        found = sorted(place.rglob("*"))
        if any(path.is_symlink() for path in found):
            raise OSError("symbolic link")
        files = [path for path in found if path.is_file()]
        return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}
    content = place.read_bytes()
    with zipfile.ZipFile(place) as archive:
        entries = archive.infolist()
        end = archive.start_dir
        is_plain = not archive.comment
    directory = len(content) - _END - end
    names = [each.filename for each in entries]
    listed = sum(46 + len(each.orig_filename.encode()) for each in entries)
    if not is_plain or directory != listed or len(names) != len(set(names)):
        raise zipfile.BadZipFile
    return dict(_read_entries(content, entries, end))


def _read_entries(
    content: bytes, entries: list[zipfile.ZipInfo], end: int
) -> Iterator[tuple[str, bytes]]:
    """Give each entry; they lie one after the other, unpacked, with nothing beside them."""
    place = 0
    for each in entries:
        header = content[place : place + _LOCAL]
        if each.header_offset != place or len(header) != _LOCAL or not _is_plain(each):
            raise zipfile.BadZipFile
        flags, method, crc, packed, size, named, extra = struct.unpack("<6xHH4xIIIHH", header)
        begin = place + _LOCAL + named
        told = (flags, method, crc, packed, size, extra, content[place + _LOCAL : begin])
        known = (each.flag_bits, 0, each.CRC, each.file_size, each.file_size, 0)
        if told != (*known, each.orig_filename.encode()):
            raise zipfile.BadZipFile
        # Past the archive's own checksum, so that the file and the place of a fault can be named.
        yield each.filename, content[begin : begin + size]
        place = begin + size
    if place != end:
        raise zipfile.BadZipFile


def _is_plain(each: zipfile.ZipInfo) -> bool:
    """Tell whether an entry is an ordinary file: stored, in clear, under one name."""
    is_file = stat.S_IFMT(each.external_attr >> 16) in {0, stat.S_IFREG}
    same = each.compress_size == each.file_size and each.filename == each.orig_filename
    plain = not each.flag_bits & ~_UTF_8 and not each.extra and not each.comment
    return is_file and same and plain and each.compress_type == zipfile.ZIP_STORED
