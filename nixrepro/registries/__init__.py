"""Where artefacts are to be had: the registries of the user's own configuration."""
