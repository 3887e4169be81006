"""Writes texts for the demo of the search: demo_text.py SETS FOLDER.

The texts are the passages of BoolQ, paragraphs of Wikipedia (CC BY-SA 3.0), each once; every tenth is held out.
"""

import json, os, sys

sets, folder = sys.argv[1:]
source = os.path.join(sets, "boolq.jsonl")
try:
    with open(source, encoding="utf-8") as file:
        contexts = [json.loads(line)["context"] for line in file]
except (OSError, KeyError, ValueError) as fault:
    sys.exit(f"setup: {source} cannot be read ({fault}); remove .deps/*.done of the sets and run make setup-eval again")

passages = list(dict.fromkeys(context.split("\nQuestion:")[0].strip() for context in contexts))
if len(passages) < 1000:
    sys.exit(f"setup: {source} has {len(passages)} passages, expected more than 1000; run make setup-eval again")


def write(name, texts):
    temporary = os.path.join(folder, name + ".partial")
    with open(temporary, "w", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    os.replace(temporary, os.path.join(folder, name))


write("validation.jsonl", passages[::10])
write("train.jsonl", [text for place, text in enumerate(passages) if place % 10])
