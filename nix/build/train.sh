# Trains in Nix's sandbox. Variables: launch, command, src, python, outcome, out.
set -o pipefail
cp -r "$src" project
chmod -R u+w project
mkdir "$out" home
export HOME="$PWD/home" said="$PWD/said"
cd project
export NIXREPRO_PROBE=no # it tells machines apart, and this output must not
export NIXREPRO_TRACKERS=no # no server is to be had in the sandbox
rm -rf .nixrepro # records that somebody committed are no part of this run
eval "$launch --project . --sandboxed --weights $out/weights.npz -- $command" | tee "$said"
exec "$python" -I -B "$outcome"
