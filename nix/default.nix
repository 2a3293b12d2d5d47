# The library's table of contents: a project's sources in, its flake's outputs out.
#
#   store        what every derivation is made with: the seed, artefacts, builders
#   lock         nixrepro.lock, read as data
#   base         the system layer, from Debian's packages
#   observer     what watches a run from outside
#   tree         lays distributions out as one environment
#   wheels       the Python distributions, a store path each
#   data         pinned data files
#   environment  all of it as one tree, and the facts of its closure
#   settings     what pyproject.toml says of a run
#   run, shell   what is done with it
#   vcpu         a virtual CPU to do it on
{ inputs ? { }
, src
, runtime ? ./runtime
, systems ? [ "x86_64-linux" ]
}:
let
  inherit (builtins) listToAttrs map;

  project = system: rec {
    store = import ./store.nix { inherit system; };
    lock = import ./lock.nix (src + "/nixrepro.lock");
    base = import ./debian.nix { inherit store lock; };
    observer = import ./observer.nix { inherit store lock base; };
    tree = import ./tree.nix { inherit store lock base; };
    wheels = import ./wheels.nix { inherit store lock base tree; };
    data = import ./data.nix { inherit store lock; };
    env = import ./environment.nix { inherit store lock base tree wheels data runtime; };
    vcpu = import ./vcpu.nix { inherit store base env; };
    settings = import ./settings.nix { inherit store data env vcpu src; };
    runs = import ./run.nix { inherit store env settings src; };
    shell = import ./shell.nix { inherit store env base settings; };
    checks = import ./checks.nix { inherit store env lock base src; };
  };

  each = f: listToAttrs (map (system: { name = system; value = f (project system); }) systems);
in
{
  packages = each (p: {
    default = p.env.environment;
    inherit (p.env) environment facts;
    inherit (p.base) system;
    inherit (p) observer;
    inherit (p.vcpu) vcpu sites;
    inherit (p.runs) run train;
    settings = p.settings.file;
  });
  apps = each (p: rec {
    default = train;
    train = { type = "app"; program = "${p.runs.train}"; };
    vcpu = { type = "app"; program = "${p.vcpu.vcpu}/bin/vcpu"; };
  });
  devShells = each (p: { default = p.shell; });
  checks = each (p: p.checks);
}
