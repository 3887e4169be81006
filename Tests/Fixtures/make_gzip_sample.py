"""Writes gzip-sample.gz: lines of text and random bytes, drawn as GzipTests.swift draws them, packed by zlib."""
import gzip
import pathlib

MASK = (1 << 64) - 1
state = 5


def draw():
    global state
    state = (state + 0x9E3779B97F4A7C15) & MASK
    bits = state
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return bits ^ (bits >> 31)


text = b"".join(f"line {i} of {draw() % 977} and {i % 13}\n".encode() for i in range(3000))
noise = bytes(draw() & 255 for _ in range(40000))
# Text gives blocks with codes of their own, noise gives stored blocks.
pathlib.Path(__file__).with_name("gzip-sample.gz").write_bytes(
    gzip.compress(text + noise, compresslevel=6, mtime=0))
