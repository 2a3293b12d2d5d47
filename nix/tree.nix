# Lays installed distributions out as one environment with its Python and compiler.
{ store, lock, base }:
name: paths:
store.python base.bootstrap "environment.py" [ "elf.py" ] {
  inherit name paths;
  compiler = base.cc;
  sysroot = base.system;
  inherit (store) triplet;
  version = lock.python;
}
