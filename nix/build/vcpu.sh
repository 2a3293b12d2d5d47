# Compiles vcpu. Variables: sources, compiler, out.
if ! [ -x "$compiler/bin/gcc" ]; then
  echo 'nixrepro: a virtual CPU needs a compiler: add "gcc" to packages in [tool.nixrepro.base], then run `nixrepro lock`' >&2
  exit 1
fi
mkdir -p "$out/bin" "$out/share/vcpu"
"$compiler/bin/gcc" -std=gnu11 -O2 -Wall -Wextra -static -DCPUS="\"$out/share/vcpu\"" -o "$out/bin/vcpu" "$sources"/*.c
cp "$sources"/cpus/*.cpu "$out/share/vcpu/"
