# The development shell: what `nix develop` enters, and what the tool reads once and keeps.
{ store, env, base, settings }:
let
  inherit (builtins) attrNames concatStringsSep map;
  said = settings.settings;
  # By the hook, since a derivation's own attributes (name, builder, outputs, ...) are variables too.
  stated = map (name: "export ${name}=${store.quote said.variables.${name}}") (attrNames said.variables);
in
derivation (env.variables // {
  name = "nixrepro-shell";
  inherit (store) system;
  # Nix takes the shell's name from the builder's.
  builder = "${base.system}/bin/bash";
  args = [ "-c" "echo > $out" ];
  outputs = [ "out" ];
  NIXREPRO_ROOT = "${env.environment}";
  NIXREPRO_SYSTEM = "${base.system}";
  NIXREPRO_ENVIRONMENT = "${env.facts}";
  NIXREPRO_SETTINGS = "${settings.file}";
  NIXREPRO_DATA = "${settings.file}";
  NIXREPRO_SEED = toString said.seed;
  NIXREPRO_DETERMINISTIC = if said.deterministic then "1" else "0";
  PYTHONHASHSEED = toString said.seed;
  shellHook = ''
    unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_DEBUG GLIBC_TUNABLES PYTHONPATH PYTHONHOME PYTHONSTARTUP
    PATH=${env.variables.PATH}
    # Nix leaves these out of what it takes over from a derivation.
    export TZ=${env.variables.TZ} SSL_CERT_FILE=${env.variables.SSL_CERT_FILE}
  '' + concatStringsSep "\n" (stated ++ [ "" ]);
})
