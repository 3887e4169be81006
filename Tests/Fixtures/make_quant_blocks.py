"""Writes quant_blocks.json: random blocks of each element type and the values that they stand for.

Needs the PyPI packages gguf==0.19.0 and numpy. The values are those of gguf.quants.dequantize,
and their bfloat16 bits those of gguf.quants.quantize to BF16. Run it in this folder.
"""

import base64
import json

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type, quants

SEED = 20_240_229
BLOCKS = {1: 64, 32: 6, 256: 2}
# Scales at the edges of float16: zeros, subnormals, smallest normal, largest, ordinary ones.
EDGES = np.array([0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x2E66, 0xB266], np.uint16)
# Where the float16 scales stand in a block.
SCALES = {
    Type.F16: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2],
    Type.Q8_0: [0], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}
TYPES = [Type.F32, Type.BF16, *SCALES]


def blocks_of(kind, random):
    elements, size = GGML_QUANT_SIZES[kind]
    count = BLOCKS[elements]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in SCALES.get(kind, []):
        ordinary = random.normal(0, 0.05, count).astype(np.float16).view(np.uint16)
        chosen = np.where(random.random(count) < 0.4, random.choice(EDGES, count), ordinary)
        blocks[:, offset : offset + 2] = chosen.astype(np.uint16).view(np.uint8).reshape(count, 2)
    if kind in (Type.F32, Type.BF16):  # No NaN: its payload is nobody's promise.
        values = random.normal(0, 1, count).astype(np.float32).view(np.uint32)
        values[:4] = [0x7F7FFFFF, 0x80000001, 0x3F808000, 0x3F818000]  # overflow, tiny, two ties
        if kind == Type.F32:
            return values.view(np.uint8)
        return (values >> 16).astype(np.uint16).view(np.uint8)
    return blocks.reshape(-1)


def main():
    random = np.random.default_rng(SEED)
    text = lambda array: base64.b64encode(array.tobytes()).decode()
    fixtures = {}
    for kind in TYPES:
        raw = blocks_of(kind, random)
        with np.errstate(all="ignore"):
            values = quants.dequantize(raw.reshape(1, -1), kind).astype(np.float32).reshape(-1)
            bits = quants.quantize(values.copy().reshape(1, -1), Type.BF16)
        fixtures[kind.name] = {
            "blocks": text(raw), "float32": text(values), "bfloat16": text(bits),
        }
    with open("quant_blocks.json", "w", encoding="utf-8") as file:
        json.dump(fixtures, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
