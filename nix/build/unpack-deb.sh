# Unpacks the data of one .deb, and nothing outside $out. Variables: deb, out.
set -o pipefail
refuse() { echo "nixrepro: ${deb#*-}: $1" >&2; exit 1; }

member=$(ar t "$deb" 2>/dev/null | grep '^data\.tar') || refuse "not a .deb: it holds no data archive"
case $member in
  data.tar.xz) open=xzcat ;;
  data.tar.gz) open=zcat ;;
  data.tar.bz2) open=bzcat ;;
  data.tar) open=cat ;;
  *) refuse "its data is packed as $member, which can't be opened here" ;;
esac
mkdir "$out"
ar p "$deb" "$member" | $open | tar -C "$out" --no-same-owner --no-same-permissions -xf - 2> said || {
  cat said >&2
  refuse "cut short or damaged"
}
# The seed's tar mends such a path by itself; a package that has one is not Debian's.
if grep -q "removing leading" said; then
  cat said >&2
  refuse "a path in it climbs out of its folder"
fi
rm said
