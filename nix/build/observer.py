"""Makes the observer: strace on the environment's loader and libraries, and some of its own."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import elf

out, system, triplet = os.environ["out"], os.environ["sysroot"], os.environ["triplet"]
packages = os.environ["packages"].split()
libraries = "%s/lib/%s" % (system, triplet)

os.makedirs(out + "/bin")
os.makedirs(out + "/lib")
for package in packages:
    for folder in ("lib", "usr/lib"):
        here = "%s/%s/%s" % (package, folder, triplet)
        for name in sorted(os.listdir(here)) if os.path.isdir(here) else ():
            if ".so" in name and not os.path.lexists("%s/lib/%s" % (out, name)):
                os.symlink("%s/%s" % (here, name), "%s/lib/%s" % (out, name))
    program = package + "/usr/bin/strace"
    if os.path.exists(program):
        elf.copy(program, out + "/bin/strace")
if not os.path.exists(out + "/bin/strace"):
    raise SystemExit("nixrepro: the observer's packages hold no strace")
loader = os.path.basename(elf.interpreter(out + "/bin/strace"))
elf.patch(out + "/bin/strace", "%s/%s" % (libraries, loader), "%s/lib:%s" % (out, libraries))
