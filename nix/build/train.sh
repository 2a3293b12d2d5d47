# Trains in Nix's sandbox. Variables: launch, command, src, out.
cp -r "$src" project
chmod -R u+w project
mkdir "$out" home
export HOME=$PWD/home
cd project
eval "$launch --project . --output $out -- $command"
