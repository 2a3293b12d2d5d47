"""Takes from a training run's record what a second run must give again, bit for bit."""

import glob
import hashlib
import json
import os

(path,) = glob.glob(".nixrepro/runs/*/record.json")
with open(path, encoding="utf-8") as stream:
    record = json.load(stream)


def timeless(value):
    """Without what a clock says."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key != "seconds"}
    return [timeless(item) for item in value] if isinstance(value, list) else value


outcome = {
    "format": 1,
    "environment": record["environment"],
    "source": os.environ["src"],
    "settings": record["layers"]["settings"],
    "status": record["status"],
    "result": timeless(record["result"]),
    "fingerprint": record["fingerprint"],
}
# A program without weights or metrics has its numbers in what it prints; one with them may print
# what it likes, such as the time that it took.
if not any(isinstance(value, str) for value in record["fingerprint"].values()):
    with open(os.environ["said"], "rb") as stream:
        outcome["output"] = hashlib.sha256(stream.read()).hexdigest()
with open(os.environ["out"] + "/outcome.json", "w", encoding="utf-8") as stream:
    json.dump(outcome, stream, sort_keys=True, indent=1, ensure_ascii=False)
    stream.write("\n")
