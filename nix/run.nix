# Runs: the app that trains in the working folder, and the derivation that trains in Nix's sandbox.
{ store, env, settings, src }:
let
  inherit (builtins) concatStringsSep map;

  # The one way to start a run: the runtime's supervisor, in the closure's Python.
  launch = "${env.environment}/bin/python -I -m nixrepro_runtime.launch --environment ${env.facts} --settings ${settings.file}";
  command = concatStringsSep " " (map store.quote settings.settings.command);
in
{
  train = store.shell "write.sh" [ ] {
    name = "nixrepro-train";
    executable = true;
    passAsFile = [ "text" ];
    # The seed is static: nothing that LD_* names is loaded into it.
    text = ''
      #!${store.seed}/bin/sh
      unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_DEBUG GLIBC_TUNABLES LOCPATH GCONV_PATH LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES
      exec ${launch} -- ${command} "$@"
    '';
  };

  # The model's weights and what the run computed; `nix build --rebuild` trains again and compares.
  run = store.shell "train.sh" [ ] {
    name = "nixrepro-run";
    inherit launch command src;
    python = "${env.environment}/bin/python";
    outcome = "${store.builders [ "outcome.py" ]}/outcome.py";
  };
}
