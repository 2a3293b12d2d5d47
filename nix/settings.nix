# The settings layer: what pyproject.toml says of a run, as the runtime reads it.
{ store, data, src }:
let
  inherit (builtins) fromTOML listToAttrs map pathExists readFile toJSON;
  project = fromTOML (readFile (src + "/pyproject.toml"));
  tool = project.tool.nixrepro or { };
  said = tool.settings or { };
in
rec {
  settings = {
    seed = said.seed or 42;
    deterministic = said.deterministic or true;
    pass = said.pass or [ ];
    variables = said.variables or { };
    command = (tool.train or { }).command or [ "python" "train.py" ];
    data = listToAttrs (map (d: { inherit (d) name; value = { inherit (d) url path sha256; }; }) data);
  };

  file = store.shell "write.sh" [ ] {
    name = "nixrepro-settings.json";
    text = toJSON settings;
    passAsFile = [ "text" ];
  };
}
