# What every derivation here is made with: the seed, artefacts, and two kinds of builder.
{ system }:
let
  inherit (builtins) baseNameOf elem path replaceStrings;

  # Nix refuses these characters in names; the tool that fetches renames alike.
  storeName = file: replaceStrings [ "~" "!" "%" ":" ] [ "_" "_" "_" "_" ] file;

  # One word of a shell's command, whatever it holds.
  quote = word: "'" + replaceStrings [ "'" ] [ "'\\''" ] word + "'";

  # Debian's busybox-static, unmodified: the one program that isn't unpacked or built here.
  busybox = builtins.path {
    name = "nixrepro-busybox";
    path = ./seed;
    filter = file: _: baseNameOf file == "busybox";
  } + "/busybox";

  triplet = "x86_64-linux-gnu";

  seed = derivation {
    name = "nixrepro-seed";
    inherit system;
    builder = busybox;
    args = [ "sh" "-euc" "${busybox} mkdir -p $out/bin; ${busybox} cp ${busybox} $out/bin/busybox; $out/bin/busybox --install -s $out/bin" ];
  };

  # Only the files that a builder reads, so that changing another one rebuilds nothing.
  builders = files: path {
    name = "builder";
    path = ./build;
    filter = file: _: elem (baseNameOf file) files;
  };
in
rec {
  inherit builders quote storeName seed system triplet;

  # A derivation whose builder is a shell script of build/, run by the seed alone.
  shell = file: uses: attributes: derivation ({
    inherit system;
    builder = "${seed}/bin/busybox";
    args = [ "sh" "-eu" "${builders ([ file ] ++ uses)}/${file}" ];
    PATH = "${seed}/bin";
  } // attributes);

  # A derivation whose builder is a Python script of build/, run by the bootstrap.
  python = bootstrap: file: uses: attributes: derivation ({
    inherit system;
    builder = "${bootstrap}/bin/python3";
    args = [ "-S" "-B" "${builders ([ file ] ++ uses)}/${file}" ];
    PATH = "${bootstrap}/bin:${seed}/bin";
    PYTHONHASHSEED = "0";
  } // attributes);

  # A derivation whose builder is a Python script of build/, run by a whole environment, with its compiler and tools.
  within = environment: base: file: attributes: derivation ({
    inherit system;
    builder = "${environment}/bin/python";
    args = [ "-s" "-B" "${builders [ file ]}/${file}" ];
    PATH = "${environment}/bin:${base.system}/bin";
    PYTHONHASHSEED = "0";
    SOURCE_DATE_EPOCH = "315532800"; # 1980: the first day that a zip archive can hold
  } // base.variables // attributes);

  # A downloaded file, or a folder of data. Its store path depends on name and hash alone, wherever it was taken from.
  artefact = a:
    let name = storeName a.file; in
    derivation ({
      inherit name;
      outputHash = a.sha256;
      outputHashAlgo = "sha256";
      outputHashMode = if a.kind == "folder" then "recursive" else "flat";
      preferLocalBuild = true;
    } // (
      if a.url != "" then {
        builder = "builtin:fetchurl";
        system = "builtin";
        inherit (a) url;
        urls = [ a.url ];
        unpack = false;
        executable = false;
        impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
      } else {
        builder = "${seed}/bin/busybox";
        inherit system;
        args = [ "sh" "-c" "echo 'nixrepro: ${name} is not in the store: run `nixrepro fetch`' >&2; exit 1" ];
      }
    ));
}
