# What `nix flake check` proves of an environment by itself.
{ store, env, lock, base }:
{
  # Every file of every distribution is there, with the hash that its RECORD states.
  record = store.within env.environment base "check-record.py" { name = "nixrepro-check-record"; };
}
