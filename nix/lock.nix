# Reads nixrepro.lock as data, and refuses whatever could leave its place: a lock may have been edited by hand.
path:
let
  inherit (builtins) all any concatStringsSep elem filter fromTOML isList isString map match readFile stringLength;

  lock = fromTOML (readFile path);

  refuse = artefact: reason:
    throw "nixrepro.lock: artefact ${builtins.toJSON (artefact.name or "?")}: ${reason}; run `nixrepro lock` to write it anew";

  fits = pattern: value: isString value && match pattern value != null;
  names = value: isList value && all (fits "[A-Za-z0-9][A-Za-z0-9+._-]*") value;

  check = artefact:
    if !fits "[A-Za-z0-9][A-Za-z0-9+._-]*" (artefact.name or null) then refuse artefact "not a name"
    else if !fits "([0-9A-Za-z][A-Za-z0-9+._:~!-]*)?" (artefact.version or "") then refuse artefact "not a version"
    else if !fits "[A-Za-z0-9_][A-Za-z0-9+._~!%-]*" (artefact.file or null) then refuse artefact "not a file name"
    else if !fits "[0-9a-f]{64}" (artefact.sha256 or null) then refuse artefact "not a sha256"
    else if !elem (artefact.layer or null) [ "system" "accelerator" "wheels" "data" ] then refuse artefact "not a layer"
    else if !elem (artefact.kind or null) [ "deb" "wheel" "sdist" "file" ] then refuse artefact "not a kind"
    else if !elem (artefact.role or "") [ "" "bootstrap" "build" ] then refuse artefact "not a role"
    else if !fits "([a-z]+://[^\"'\\\\$ ]+)?" (artefact.url or "") then refuse artefact "not a URL"
    else if !names (artefact.dependencies or [ ]) then refuse artefact "not dependencies"
    else {
      version = "";
      role = "";
      url = "";
      dependencies = [ ];
      build = [ ];
      optional = false;
    } // artefact;

  artefacts = map check (lock.artefact or [ ]);
  select = layer: role: filter (a: a.layer == layer && a.role == role) artefacts;
in
if (lock.version or null) != 1 then
  throw "nixrepro.lock: format ${builtins.toJSON (lock.version or null)} is not 1, the one that this library reads"
else if !fits "[0-9]+\\.[0-9]+(\\.[0-9]+)?" (lock.python or null) then
  throw "nixrepro.lock: no version of Python"
else {
  inherit artefacts select;
  inherit (lock) glibc;
  python = concatStringsSep "." (match "([0-9]+)\\.([0-9]+).*" lock.python);
  text = readFile path;
}
