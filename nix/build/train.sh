# Trains in Nix's sandbox. Variables: launch, command, src, python, outcome, out.
cp -r "$src" project
chmod -R u+w project
mkdir "$out" home
export HOME="$PWD/home"
cd project
rm -rf .nixrepro # records that somebody committed are no part of this run
eval "$launch --project . --weights $out/weights.npz -- $command"
exec "$python" -I -B "$outcome"
