# strace on the environment's own system: no part of the environment, and built only when it is asked for.
{ store, lock, base }:
let
  packages = lock.select "system" "observer";
in
if packages == [ ] then
  # A lock made before there was an observer; all else of the flake goes on without it.
  derivation {
    name = "nixrepro-observer";
    inherit (store) system;
    builder = "${store.seed}/bin/busybox";
    args = [ "sh" "-c" "echo 'nixrepro: nixrepro.lock holds no observer: run `nixrepro lock`' >&2; exit 1" ];
  }
else
  store.python base.bootstrap "observer.py" [ "elf.py" ] {
    name = "nixrepro-observer";
    packages = map base.unpack packages;
    sysroot = base.system;
    inherit (store) triplet;
  }
