# Pinned data of the store: read-only in the store, offered under their names.
{ store, lock }:
map
  (a:
    let path = "${store.artefact a}"; in
    {
      inherit (a) name url sha256 optional;
    } // (if a ? digest then { inherit (a) digest; } else { }) // {
      # What is optional is used where it was fetched, and stops nothing where it wasn't.
      path = if a.optional then builtins.unsafeDiscardStringContext path else path;
    })
  (lock.select "data" "")
