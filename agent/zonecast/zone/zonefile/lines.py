"""The lines of a file, split a block at a time: a big file's lines are never all held at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

BLOCK = 1 << 16  # octets: what is made of a block at once stays in the processor's cache


class Lines:
    """The lines of a file's octets from `start` on, without their line feeds. After a last line
    feed there is one more line, an empty one."""

    def __init__(self, content: bytes, start: int = 0) -> None:
        self.content = content
        # Where each block starts: its octet, and the index of its first line.
        self._octets = [start]
        self._firsts = [0]
        count = 0
        while (end := content.find(b"\n", start + BLOCK) + 1) > 0:
            count += content.count(b"\n", start, end)
            self._octets.append(end)
            self._firsts.append(count)
            start = end
        self._octets.append(len(content))
        self._count = count + content.count(b"\n", start) + 1
        self._firsts.append(self._count)
        self._split: list[bytes] = []
        self._split_from = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> bytes:
        place = index - self._split_from
        if not 0 <= place < len(self._split):
            if not 0 <= index < self._count:
                raise IndexError(index)
            block = self._block_of(index)
            self._split_from = self._firsts[block]
            self._split = self.content[self._octets[block] : self._octets[block + 1]].split(b"\n")
            # What follows a block's last line feed is the next block's.
            del self._split[self._firsts[block + 1] - self._split_from :]
            place = index - self._split_from
        return self._split[place]

    def _block_of(self, index: int) -> int:
        return bisect_right(self._firsts, index, 0, len(self._firsts) - 1) - 1

    def octet(self, index: int) -> int:
        """Where the line with this index starts."""
        block = self._block_of(index)
        before = [self[at] for at in range(self._firsts[block], index)]
        return self._octets[block] + sum(map(len, before)) + len(before)

    def blocks(self) -> Iterator[tuple[int, int, int, int]]:
        """(first octet, octet after, index of the first line, index after the last) of each
        block; each ends with a line."""
        return zip(self._octets, self._octets[1:], self._firsts, self._firsts[1:], strict=False)
