# The base from pinned Debian packages: each unpacked to a store path of its own, then merged into one system.
{ store, lock }:
let
  inherit (builtins) elemAt filter map match;

  # Without the epoch, as in the file names of Debian.
  nameOf = a: store.storeName "${a.name}-${elemAt (match "([0-9]+:)?(.*)" a.version) 1}";

  unpack = a: store.shell "unpack-deb.sh" [ ] {
    name = nameOf a;
    deb = store.artefact a;
  };

  # The bootstrap is pinned by itself, so that a new glibc doesn't rebuild what was merely unpacked with the old one.
  bootstrap = store.shell "bootstrap.sh" [ "bootstrap.py" "bytecode.py" "elf.py" ] {
    name = "nixrepro-bootstrap-python${lock.python}";
    packages = map unpack (lock.select "system" "bootstrap");
    version = lock.python;
  };

  python = store.python bootstrap;

  packages = map (a: a // { path = unpack a; }) (lock.select "system" "");

  # Debian compiles Python's library when it installs it.
  hasModules = a: match "libpython3\\.[0-9]+-(minimal|stdlib)|python3-(distutils|lib2to3)" a.name != null;
  modules = map
    (a: python "deb-bytecode.py" [ "bytecode.py" ] {
      name = "${nameOf a}-bytecode";
      package = a.path;
    })
    (filter hasModules packages);

  system = python "system.py" [ "bytecode.py" "elf.py" ] {
    name = "nixrepro-system-debian";
    packages = map (a: a.path) packages ++ modules;
    version = lock.python;
    inherit (store) triplet;
  };

  cc = python "cc.py" [ ] {
    name = "nixrepro-cc";
    sysroot = system;
    inherit (store) triplet;
  };

  # What makes programs find in the system what they would else read of the host.
  variables = {
    LANG = "C.UTF-8";
    SHELL = "${system}/bin/bash"; # else bash asks the host who its user is
    LOCPATH = "${system}/lib/locale";
    GCONV_PATH = "${system}/lib/${store.triplet}/gconv";
    TZ = "UTC";
    TZDIR = "${system}/share/zoneinfo";
    INPUTRC = "${system}/share/readline/inputrc";
    GIT_TEXTDOMAINDIR = "${system}/share/locale";
    TERMINFO_DIRS = "${system}/lib/terminfo:${system}/share/terminfo";
    OPENSSL_MODULES = "${system}/lib/${store.triplet}/ossl-modules";
    OPENSSL_CONF = "${system}/etc/ssl/openssl.cnf";
    SSL_CERT_FILE = "${system}/etc/ssl/certs/ca-certificates.crt";
  };
in
{
  inherit bootstrap cc packages system unpack variables;
}
