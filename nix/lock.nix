# Reads nixrepro.lock as data, and refuses whatever could leave its place: a lock may have been edited by hand.
path:
let
  inherit (builtins) all concatStringsSep elem filter fromTOML isList isString map match readFile split;

  lock = fromTOML (readFile path);

  again = "take it from version control, or delete it and run `nixrepro lock`";
  refuse = artefact: reason:
    throw "nixrepro.lock: artefact ${builtins.toJSON (artefact.name or "?")}: ${reason}; ${again}";

  fits = pattern: value: isString value && match pattern value != null;
  each = pattern: value: isList value && all (fits pattern) value;
  # A relative path that stays in its folder.
  inside = value: isString value && all
    (part: match "\\.{1,2}" part == null && match "[^[:cntrl:]\"'\\\\$`{}]+" part != null)
    (filter isString (split "/" value));

  check = artefact:
    if !fits "[A-Za-z0-9][A-Za-z0-9+._-]*" (artefact.name or null) then refuse artefact "not a name"
    else if !fits "([0-9A-Za-z][A-Za-z0-9+._:~!-]*)?" (artefact.version or "") then refuse artefact "not a version"
    else if !fits "[A-Za-z0-9_][A-Za-z0-9+._~!%-]*" (artefact.file or null) then refuse artefact "not a file name"
    else if !fits "[0-9a-f]{64}" (artefact.sha256 or null) then refuse artefact "not a sha256"
    else if !elem (artefact.layer or null) [ "system" "accelerator" "wheels" "data" ] then refuse artefact "not a layer"
    else if !elem (artefact.kind or null) [ "deb" "wheel" "sdist" "file" "folder" ] then refuse artefact "not a kind"
    else if !elem (artefact.role or "") [ "" "bootstrap" "build" "observer" ] then refuse artefact "not a role"
    else if !fits "([a-z]+://[^\"'\\\\$ ]+)?" (artefact.url or "") then refuse artefact "not a URL"
    else if !each "[A-Za-z0-9][A-Za-z0-9+._-]*" (artefact.dependencies or [ ]) then refuse artefact "not dependencies"
    else if !each "[a-z0-9]+(-[a-z0-9]+)*==[0-9][A-Za-z0-9.!+_-]*" (artefact.build or [ ]) then refuse artefact "not what it is built with"
    else if !fits "(merkle:[0-9a-f]{64})?" (artefact.digest or "") then refuse artefact "not a digest"
    else if artefact ? location && !inside artefact.location then refuse artefact "not a location"
    else if artefact ? path && !inside artefact.path then refuse artefact "not a path"
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
  throw "nixrepro.lock: no version of Python; ${again}"
else if !fits "[0-9]+(\\.[0-9]+){1,2}" (lock.glibc or null) then
  throw "nixrepro.lock: no version of glibc; ${again}"
else {
  inherit artefacts select;
  inherit (lock) glibc;
  python = concatStringsSep "." (match "([0-9]+)\\.([0-9]+).*" lock.python);
  text = readFile path;
}
