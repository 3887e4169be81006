"""Expected frequencies of rotary embeddings with each way of scaling: writes rotary.json beside itself.

The formulas are those of Hugging Face transformers (modeling_rope_utils.py), in float64. A case is the rope_scaling of a
config.json with what else matters, the length of the sequence, and the radians a position for each pair of channels.
Run: python3 Tests/Fixtures/make_rotary.py
"""

import json
import math
import pathlib


def plain(theta, width):
    return [theta ** (-2 * i / width) for i in range(width // 2)]


def linear(case):
    return [f / case["rope_scaling"]["factor"] for f in plain(case["theta"], case["width"])], 1.0


def dynamic(case):
    factor, width = case["rope_scaling"]["factor"], case["width"]
    trained = case["positions"]
    length = max(case["length"], trained)
    base = case["theta"] * (factor * length / trained - (factor - 1)) ** (width / (width - 2))
    return plain(base, width), 1.0


def yarn(case):
    scaling, theta, width = case["rope_scaling"], case["theta"], case["width"]
    factor = scaling["factor"]
    trained = scaling.get("original_max_position_embeddings", case["positions"])

    def channel(turns):
        return width * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low = max(math.floor(channel(scaling.get("beta_fast", 32))), 0)
    high = min(math.ceil(channel(scaling.get("beta_slow", 1))), width - 1)
    if low == high:
        high += 0.001
    frequencies = []
    for i, frequency in enumerate(plain(theta, width)):
        ramp = min(max((i - low) / (high - low), 0), 1)
        kept = 1 - ramp
        frequencies.append(frequency / factor * (1 - kept) + frequency * kept)
    magnitude = scaling.get("attention_factor")
    if magnitude is None:
        magnitude = 0.1 * math.log(factor) + 1 if factor > 1 else 1.0
    return frequencies, magnitude


def llama3(case):
    scaling = case["rope_scaling"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    trained = scaling["original_max_position_embeddings"]
    frequencies = []
    for frequency in plain(case["theta"], case["width"]):
        wavelength = 2 * math.pi / frequency
        if wavelength < trained / high:
            frequencies.append(frequency)
        elif wavelength > trained / low:
            frequencies.append(frequency / scaling["factor"])
        else:
            smooth = (trained / wavelength - low) / (high - low)
            frequencies.append((1 - smooth) * frequency / scaling["factor"] + smooth * frequency)
    return frequencies, 1.0


def case(name, theta, width, positions, scaling, length=1):
    return {"name": name, "theta": theta, "width": width, "positions": positions, "length": length,
            "rope_scaling": scaling}


LLAMA = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 8192}
CASES = [
    case("linear", 1e4, 64, 4096, {"type": "linear", "factor": 4.0}),
    case("dynamic, within the trained length", 1e4, 32, 64, {"type": "dynamic", "factor": 2.0}, 64),
    case("dynamic, one token more", 1e4, 32, 64, {"type": "dynamic", "factor": 2.0}, 65),
    case("dynamic, far beyond", 1e4, 32, 64, {"rope_type": "dynamic", "factor": 4.0}, 1000),
    case("yarn of Qwen2.5", 1e6, 128, 131072,
         {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}),
    case("yarn with its own numbers", 1e4, 64, 2048,
         {"rope_type": "yarn", "factor": 8.0, "beta_fast": 16, "beta_slow": 2, "attention_factor": 1.25}),
    case("Llama 3.1", 5e5, 128, 131072, {**LLAMA, "factor": 8.0}),
    case("Llama 3.2", 5e5, 64, 131072, {**LLAMA, "factor": 32.0}),
]
RULES = {"linear": linear, "dynamic": dynamic, "yarn": yarn, "llama3": llama3}

for item in CASES:
    scaling = item["rope_scaling"]
    radians, magnitude = RULES[scaling.get("rope_type", scaling.get("type"))](item)
    item["radians"] = [float(f"{value:.9g}") for value in radians]
    item["magnitude"] = float(f"{magnitude:.9g}")

lines = ",\n".join(json.dumps(item) for item in CASES)
pathlib.Path(__file__).with_name("rotary.json").write_text(f"[\n{lines}\n]\n")
