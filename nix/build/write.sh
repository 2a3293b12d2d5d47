# Writes a text. Variables: textPath, out.
cp "$textPath" "$out"
if [ -n "${executable:-}" ]; then chmod 755 "$out"; fi
