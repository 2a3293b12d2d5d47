"""Makes the bootstrap: a small Python that runs by itself, for all later builders to stand on."""

import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# What the builders import is imported here and compiled below, so that none compiles it again.
import base64  # noqa: F401
import configparser  # noqa: F401
import csv  # noqa: F401
import email.parser  # noqa: F401
import hashlib  # noqa: F401
import importlib.metadata  # noqa: F401
import json  # noqa: F401
import re  # noqa: F401
import runpy  # noqa: F401
import stat  # noqa: F401
import struct  # noqa: F401
import tarfile  # noqa: F401
import traceback  # noqa: F401
import warnings  # noqa: F401
import zipfile  # noqa: F401

import bytecode
import elf

out = os.environ["out"]
loader, path = os.environ["loader"], os.environ["path"].strip(":")
home = os.environ["PYTHONHOME"]
library = "lib/python%d.%d" % sys.version_info[:2]

os.makedirs(out + "/bin")
elf.copy(os.environ["python"], out + "/bin/python")
elf.patch(out + "/bin/python", loader, path)
os.symlink("python", out + "/bin/python3")

shutil.copytree("%s/%s" % (home, library), "%s/%s" % (out, library), symlinks=True)
used = sorted(
    os.path.relpath(module.__file__, home)
    for module in list(sys.modules.values())
    if (getattr(module, "__file__", None) or "").startswith(home)
    and module.__file__.endswith(".py")
)
for file in used:
    bytecode.compile_file(
        "%s/%s" % (out, file), "%s/%s" % (out, bytecode.cache_from_source(file)), file
    )
