"""Compares the facts of an environment with the environment, its closure and the lock."""

import hashlib
import json
import os

with open(os.environ["facts"], encoding="utf-8") as stream:
    facts = json.load(stream)
with open(os.environ["lockPath"], encoding="utf-8") as stream:
    artefacts = json.load(stream)

wrong = []
for key, place in (("environment", "environment"), ("system", "merged")):
    if facts[key] != os.environ[place]:
        wrong.append("its %s is %s, not %s" % (key, facts[key], os.environ[place]))
if facts["lock"] != os.environ["digest"]:
    wrong.append("it is of another lock")
lines = "".join("%s %s\n" % (item["path"], item["narHash"]) for item in facts["closure"])
if facts["identity"]["digest"] != hashlib.sha256(lines.encode()).hexdigest():
    wrong.append("its identity is not the digest of its closure")
closure = {item["path"] for item in facts["closure"]}
wrong += ["%s is not there" % path for path in sorted(closure) if not os.path.exists(path)]
stated = {
    (layer, item["name"], item["sha256"])
    for layer, items in facts["layers"].items()
    for item in items
}
wanted = {(item["layer"], item["name"], item["sha256"]) for item in artefacts if item["role"] == ""}
wrong += ["%s: %s is in one of facts and lock alone" % each[:2] for each in sorted(stated ^ wanted)]
if wrong:
    raise SystemExit("\n".join("nixrepro: the facts: %s" % each for each in wrong))
with open(os.environ["out"], "w") as stream:
    stream.write("%d store paths, %d artefacts\n" % (len(closure), len(wanted)))
