"""Installs what runs inside the closure, with its bytecode and its hook into Python's start."""

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
