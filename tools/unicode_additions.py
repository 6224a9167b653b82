#!/usr/bin/env python3
"""Writes core/data/tokenizer/unicode_additions.inc: what Unicode has assigned since version 14.

usage: unicode_additions.py dump FILE      with an old and with a new Python: its Unicode data
       unicode_additions.py make OLD NEW   the difference, on stdout

Debian 12's PCRE2 knows Unicode 14 and its ICU 15; tokenizer libraries know 16. Run by hand.
"""
import json
import sys
import unicodedata


def dump(path):
    known = {}
    for c in range(0x110000):
        category = unicodedata.category(chr(c))
        if category not in ("Cn", "Co", "Cs"):
            lower = chr(c).lower()
            known[c] = [category, ord(lower) if len(lower) == 1 else c]
    with open(path, "w") as f:
        json.dump({"version": unicodedata.unidata_version, "known": known}, f)


def make(old_path, new_path):
    old, new = (json.load(open(p)) for p in (old_path, new_path))
    ranges = []
    for key, (category, lower) in new["known"].items():
        if key in old["known"]:
            continue
        c = int(key)
        item = [c, c, category, lower - c]
        if ranges and ranges[-1][1] == c - 1 and ranges[-1][2:] == item[2:]:
            ranges[-1][1] = c
        else:
            ranges.append(item)
    print(f"// Code points that Unicode {new['version']} has and {old['version']} has not: first, last, general")
    print("// category, what to add for lower case. Made by tools/unicode_additions.py.")
    for first, last, category, lower in ranges:
        print(f'{{0x{first:X}, 0x{last:X}, "{category}", {lower}}},')


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "dump":
        dump(sys.argv[2])
    elif len(sys.argv) == 4 and sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
