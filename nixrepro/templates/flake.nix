# What this project trains in. All logic is in ./nix, all data in nixrepro.lock and pyproject.toml.
{
  description = "Training runs in a closure pinned from glibc to the wheels";

  # Pinned by flake.lock, and fetched only when something uses it: the Debian base never does.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";

  outputs = inputs: import ./nix { inherit inputs; src = ./.; };
}
