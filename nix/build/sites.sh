# Lists the sites of every file of a closure. Variables: vcpu, out; the file `closure` is what Nix says of it.
grep '^/' closure | sort -u | while read -r path; do
  if [ -e "$path" ]; then echo "$path"; fi
done | xargs "$vcpu/bin/vcpu" --find > "$out"
