# Starts the unpacked Python through the unpacked loader, with no system around it. Variables: packages, version, out.
path=
for package in $packages; do
  for folder in lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu; do
    if [ -d "$package/$folder" ]; then path="$path:$package/$folder"; fi
  done
  if [ -x "$package/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" ]; then loader=$package/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2; fi
  if [ -x "$package/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" ]; then loader=$package/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2; fi
  if [ -x "$package/usr/bin/python$version" ]; then python=$package/usr/bin/python$version; fi
done
# One folder for Python's home: its library comes in two packages.
mkdir -p home/lib
for package in $packages; do
  if [ -d "$package/usr/lib/python$version" ]; then cp -r "$package/usr/lib/python$version" home/lib/; chmod -R u+w home; fi
done
# Before Python 3.11 the order of a set, which the hash seed decides, is in the bytecode.
export PYTHONHOME=$PWD/home PYTHONHASHSEED=0 loader python path
exec "$loader" --inhibit-cache --library-path "${path#:}" "$python" -S -B "${0%/*}/bootstrap.py"
