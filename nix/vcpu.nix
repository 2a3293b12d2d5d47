# vcpu: runs a command on a CPU described by a table; built with the pinned compiler, static.
{ store, base, env }:
rec {
  vcpu = store.shell "vcpu.sh" [ ] {
    name = "nixrepro-vcpu";
    sources = builtins.path { name = "vcpu"; path = ./vcpu; };
    compiler = base.cc;
  };

  # Where the closure's files hold the instructions that vcpu looks for, so that no run has to search them.
  sites = store.shell "sites.sh" [ ] {
    name = "nixrepro-sites";
    inherit vcpu;
    exportReferencesGraph = [ "closure" env.environment ];
  };
}
