"""The gates of `make check` fail when they should."""

from __future__ import annotations

from checks.dependencies import imported_modules, requirement_name
from checks.file_sizes import complaints as size_complaints
from checks.file_sizes import read_allowed
from checks.forbidden_text import complaints as text_complaints


def test_a_long_file_is_refused_unless_allowed() -> None:
    assert size_complaints({"a.py": 500, "b.py": 501}, {}) == [
        "b.py has 501 lines; at most 500 are allowed: split it by concept"
    ]
    assert not size_complaints({"b.py": 700}, {"b.py": 700})
    assert "at most 700" in size_complaints({"b.py": 701}, {"b.py": 700})[0]


def test_the_allow_list_may_only_shrink() -> None:
    assert "delete its entry" in size_complaints({"b.py": 480}, {"b.py": 700})[0]
    assert "delete its entry" in size_complaints({}, {"gone.py": 700})[0]
    assert "lower its entry" in size_complaints({"b.py": 650}, {"b.py": 700})[0]
    assert read_allowed("# comment\nb.py 700 # why\n\n") == {"b.py": 700}


def test_machine_paths_and_registry_hosts_are_found() -> None:
    home = "/" + "home/somebody/hair"
    host = "https://py" + "pi.org/simple"
    assert text_complaints("a.md", f"fine\nsee {home}\n") == [f"a.md:2: names a path of one machine: {home}"]
    assert "registry" in text_complaints("a.sh", f"pip install -i {host}")[0]
    assert not text_complaints("a.py", "tests/home/x, x/work/y, $HOME/work, a / root / b")


def test_lazy_imports_are_seen() -> None:
    source = "import os\nfrom a.b import c\nfrom . import d\ndef f():\n    import torch.nn as nn\n"
    assert imported_modules(source) == {"os", "a", "torch"}


def test_requirements_are_named_without_their_bounds() -> None:
    assert requirement_name("ros_jazzy.rclpy[fastrtps]>=7; python_version<'4'") == "ros-jazzy-rclpy"
