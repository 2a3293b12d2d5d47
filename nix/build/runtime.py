"""Installs what runs inside the closure, with its bytecode and its hook into Python's start."""

import base64
import hashlib
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bytecode

site = "%s/lib/python%s/site-packages" % (os.environ["out"], os.environ["version"])
package = site + "/nixrepro_runtime"
os.makedirs(package)
for folder, _, names in os.walk(os.environ["source"]):
    target = os.path.join(package, os.path.relpath(folder, os.environ["source"]))
    os.makedirs(target, exist_ok=True)
    for name in names:  # data files too
        shutil.copyfile(os.path.join(folder, name), os.path.join(target, name))
bytecode.compile_tree(package)
with open(site + "/nixrepro_runtime.pth", "w") as stream:
    # No bytecode is written, whoever starts this Python: a superuser would write it into the store.
    stream.write("import sys; sys.dont_write_bytecode = True; import nixrepro_runtime.boot\n")

# What other distributions find it by: MLflow looks for entry points. Its version is that of what it
# is to them, and no release's, with which store paths would move.
about = "nixrepro_runtime-1.dist-info"
os.makedirs(os.path.join(site, about))
shutil.move(os.path.join(package, "entry_points.txt"), os.path.join(site, about))
with open(os.path.join(site, about, "METADATA"), "w") as stream:
    stream.write("Metadata-Version: 2.1\nName: nixrepro-runtime\nVersion: 1\n")
rows = []
for folder, _, names in os.walk(site):
    for path in (os.path.join(folder, name) for name in names):
        with open(path, "rb") as stream:
            data = stream.read()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append("%s,sha256=%s,%d\n" % (os.path.relpath(path, site), digest, len(data)))
with open(os.path.join(site, about, "RECORD"), "w") as stream:
    stream.writelines([*sorted(rows), "%s/RECORD,,\n" % about])
