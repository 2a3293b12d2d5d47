# The settings layer: what pyproject.toml says of a run, as the runtime reads it.
{ store, data, env, vcpu, src }:
let
  inherit (builtins) attrNames filter fromTOML isString listToAttrs map match readFile removeAttrs toJSON;
  project = fromTOML (readFile (src + "/pyproject.toml"));
  tool = project.tool.nixrepro or { };
  said = tool.settings or { };

  # A project may want another zone and language; the rest of these is how the closure finds its files.
  owned = removeAttrs env.variables [ "LANG" "TZ" ];
  refuses = variables: name:
    owned ? ${name} || match "[A-Za-z_][A-Za-z0-9_]*" name == null || match "NIXREPRO_.*" name != null
    || !isString variables.${name};
  checked = variables:
    let bad = filter (refuses variables) (attrNames variables); in
    if bad == [ ] then variables
    else throw "nixrepro: tool.nixrepro.settings.variables can't set ${toJSON (builtins.head bad)}";

  stated = tool.numerics or { };
  profile = stated.profile or "native";

  # A table that comes along by its name, or one of the project by its path, which goes into the store.
  cpu = stated.cpu or "x86-64-v3";
  own = match ".*/.*|.*\\.cpu" cpu != null;
  table = if own then { table = "${builtins.path { name = "nixrepro-table.cpu"; path = src + "/${cpu}"; }}"; } else { };

  # The same defaults as the tool's.
  numerics =
    if profile == "portable" then {
      numerics = table // {
        inherit profile cpu;
        threads = stated.threads or 4;
        vcpu = "${vcpu.vcpu}/bin/vcpu";
        sites = "${vcpu.sites}";
      };
    }
    else if profile != "native" then throw "nixrepro: tool.nixrepro.numerics.profile is neither native nor portable"
    else if stated ? threads then { numerics = { inherit profile; inherit (stated) threads; }; }
    else { };

  # Data by reference stays where it lies, and is found and digested when a run starts.
  declared = tool.data or { };
  stays = d: (d.url or "") == "" && !(d.store or false);
  refer = name:
    let d = declared.${name}; in
    {
      inherit name;
      value = {
        reference = true;
        path = d.path or "";
        digest = if d ? sha256 then "sha256:${d.sha256}" else d.digest or "";
        dvc = d.dvc or "";
        optional = d.optional or false;
      };
    };
  references = map refer (filter (name: stays declared.${name}) (attrNames declared));
in
rec {
  settings = numerics // {
    seed = said.seed or 42;
    deterministic = said.deterministic or true;
    pass = said.pass or [ ];
    variables = checked (said.variables or { });
    command = (tool.train or { }).command or [ "python" "train.py" ];
    data = listToAttrs (references ++ map (d: { inherit (d) name; value = removeAttrs d [ "name" "optional" ]; }) data);
  };

  file = store.shell "write.sh" [ ] {
    name = "nixrepro-settings.json";
    text = toJSON settings;
    passAsFile = [ "text" ];
  };
}
