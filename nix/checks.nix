# What `nix flake check` proves of a project by itself: that lock, configuration and environment agree.
{ store, env, lock, base, src }:
let
  inherit (builtins) any fromTOML pathExists readFile toJSON;

  project = fromTOML (readFile (src + "/pyproject.toml"));

  # Whether a file of another tool has a say in what is wanted, which only nixrepro itself can read.
  others = [ "pylock.toml" "uv.lock" "poetry.lock" "Pipfile.lock" "requirements.txt" ];
  from = project.tool.nixrepro.wheels.from or null;
  elsewhere = if from == null then any (file: pathExists (src + "/${file}")) others else from != "";

  check = what: attributes:
    store.python base.bootstrap "check-${what}.py" [ ] ({ name = "nixrepro-check-${what}"; } // attributes);
in
{
  # The lock is as it was written, and answers what pyproject.toml asks for.
  lock = check "lock" {
    inherit (lock) text;
    lock = toJSON (fromTOML lock.text);
    project = toJSON project;
    elsewhere = if elsewhere then "1" else "";
    passAsFile = [ "text" "lock" "project" ];
  };

  # The facts that a record quotes are those of this environment and this lock.
  facts = check "facts" {
    inherit (env) environment facts;
    merged = base.system;
    lock = toJSON lock.artefacts;
    digest = builtins.hashString "sha256" lock.text;
    passAsFile = [ "lock" ];
  };

  # Every file of every distribution is there, with the hash that its RECORD states.
  record = store.within env.environment base "check-record.py" { name = "nixrepro-check-record"; };
}
