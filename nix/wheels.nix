# Python distributions: each wheel to a store path of its own, standing on the bootstrap alone.
{ store, lock, base, tree }:
let
  inherit (builtins) listToAttrs map;

  install = name: wheel: store.python base.bootstrap "wheel.py" [ "archive.py" "bytecode.py" "elf.py" ] {
    inherit name wheel;
    version = lock.python;
  };

  nameOf = a: "${a.name}-${store.storeName a.version}";

  tools = listToAttrs (map
    (a: { name = "${a.name}==${a.version}"; value = install (nameOf a) (store.artefact a); })
    (lock.select "wheels" "build"));

  # An sdist becomes a wheel first: with the pinned compiler, among exactly the distributions that the lock names.
  build = a:
    let
      named = map (name: tools.${name} or (throw "nixrepro.lock: ${a.name} is built with ${name}, which is not in it")) a.build;
      around = tree "${nameOf a}-build-environment" named;
    in
    store.within around base "sdist.py" {
      name = "${nameOf a}-built";
      sdist = store.artefact a;
    };
in
map
  (a: a // { path = install (nameOf a) (if a.kind == "sdist" then build a else store.artefact a); })
  (lock.select "wheels" "" ++ lock.select "accelerator" "")
