# One environment: Python, the wheels, the compiler and nixrepro's runtime, with the facts that a record quotes.
{ store, lock, base, tree, wheels, data, runtime }:
let
  inherit (builtins) filter hashString map toJSON unsafeDiscardStringContext;
  installedRuntime = store.python base.bootstrap "runtime.py" [ "bytecode.py" ] {
    name = "nixrepro-runtime";
    source = builtins.path {
      name = "nixrepro-runtime-source";
      path = runtime;
      filter = file: type: baseNameOf file != "__pycache__";
    };
    version = lock.python;
  };

  environment = tree "nixrepro-environment" (map (a: a.path) wheels ++ [ installedRuntime ]);

  describe = a: { inherit (a) name version file sha256; path = unsafeDiscardStringContext "${a.path}"; };
  inLayer = layer: map describe (filter (a: a.layer == layer) wheels);

  variables = base.variables // {
    PATH = "${environment}/bin:${base.system}/bin";
    # Python's user folder is the host's, and what it would compile it would write into the store.
    PYTHONDONTWRITEBYTECODE = "1";
    PYTHONNOUSERSITE = "1";
    PYTHONUSERBASE = "${environment}";
  };

  facts = derivation {
    name = "nixrepro-environment.json";
    inherit (store) system;
    builder = "${store.seed}/bin/busybox";
    args = [ "sh" "-euc" "PATH=${base.bootstrap}/bin exec python3 -S -B ${store.builders [ "facts.py" ]}/facts.py" ];
    __structuredAttrs = true;
    outputs = [ "out" ];
    exportReferencesGraph.closure = [ "${environment}" ];
    facts = {
      inherit variables;
      environment = "${environment}";
      system = "${base.system}";
      lock = hashString "sha256" lock.text;
      layers = {
        system = map describe base.packages;
        accelerator = inLayer "accelerator";
        wheels = inLayer "wheels";
        data = map (d: removeAttrs d [ "optional" ]) data;
      };
    };
  };
in
{
  inherit environment facts variables;
}
