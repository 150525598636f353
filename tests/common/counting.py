"""What calls leave behind, for scripts that judge modules."""

import array
import gc
import sys


def changes_of(act):
    """By how much the number of references (or of blocks of memory, where they are not counted) changes in three rounds."""
    count = getattr(sys, "gettotalrefcount", sys.getallocatedblocks)
    # Numbers that are no objects.
    before, changes = array.array("q", [0]), array.array("q", [0] * 3)
    for at in range(3):
        gc.collect()
        before[0] = count()
        act()
        gc.collect()
        changes[at] = count() - before[0]
    return changes
