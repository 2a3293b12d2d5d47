"""Makes the compiler's wrapper: the pinned gcc, told where its own system lies."""

import os
import re

out, system, triplet = os.environ["out"], os.environ["sysroot"], os.environ["triplet"]
loader = os.path.realpath("%s/lib64/ld-linux-x86-64.so.2" % system)

# A shared object takes its libraries from the program that loads it, so only programs get a search
# path: an old-style one, which counts for the libraries' own libraries too.
WRAPPER = """#!{system}/bin/bash -p
link="-Wl,--dynamic-linker={loader} -Wl,--disable-new-dtags,-rpath,{system}/lib/{triplet}"
for word; do
  case $word in -shared | -c | -S | -E | -M | -MM | -r | -static | -static-pie) link= ;; esac
done
exec {system}/bin/{name} --sysroot={system} -B{system}/bin -B{system}/lib/{triplet} $link "$@"
"""

os.makedirs(out + "/bin")
names = [
    name
    for name in sorted(os.listdir(system + "/bin"))
    if re.fullmatch(r"(%s-)?(gcc|g\+\+|cpp|c89-gcc|c99-gcc)(-\d+)?" % re.escape(triplet), name)
]
aliases = {alias: name for alias, name in (("cc", "gcc"), ("c++", "g++")) if name in names}
for alias, name in [(name, name) for name in names] + sorted(aliases.items()):
    path = "%s/bin/%s" % (out, alias)
    with open(path, "w") as stream:
        stream.write(WRAPPER.format(system=system, name=name, loader=loader, triplet=triplet))
    os.chmod(path, 0o755)
