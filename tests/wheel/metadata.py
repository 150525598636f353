# The judge of `metadata.rs`: `packaging`'s opinion of texts, and of the METADATA of generated projects.
import importlib.metadata
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import tomllib

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.markers import InvalidMarker
from packaging.metadata import Metadata
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version


def version(text):
    try:
        return str(Version(text))
    except InvalidVersion:
        return None


def specifier(text):
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def requirement(text):
    try:
        return Requirement(text)
    except (InvalidRequirement, InvalidMarker):
        return None


def licence(text):
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None


def texts():
    wrong, sound = [], {}
    for kind, text, ours in json.load(sys.stdin):
        theirs = globals()[kind](text)
        if kind == "requirement":
            same = (ours is None) == (theirs is None)
            if same and ours is not None:
                whole, extra = map(Requirement, ours)
                same = whole == theirs
                for python in "3.8", "3.12":
                    for name in "posix", "nt":
                        here = {"python_version": python, "os_name": name, "extra": "e"}
                        meant = theirs.marker is None or theirs.marker.evaluate(here)
                        same &= extra.marker.evaluate(here) == meant
        else:
            same = ours == theirs
        if not same:
            wrong.append((kind, text, ours, str(theirs)))
        sound[kind] = sound.get(kind, 0) + bool(theirs)
    print("sound ones:", sound)
    for row in wrong[:40]:
        print(*row, sep="\n    ")
    if wrong or min(sound.values()) < 20:
        sys.exit(f"{len(wrong)} texts are judged differently")


SPEC = """[module]
name = "speed"

[[methods]]
name = "one"
returns = "L"
body = "return 1"
"""

WORDS = ["fast", "Größe", "a b", "x: y", "#1", "\\back", '"quoted"', "comma, too", "semi; colon", "<angle>"]


def quoted(value):
    """JSON is TOML, for strings and for lists of them."""
    return json.dumps(value, ensure_ascii=False)


def project(dice):
    some = lambda: dice.sample(WORDS, dice.randrange(1, 4))
    lines = ["[project]", f"name = {quoted(dice.choice(['demo', 'A.b-C_d', 'x9']))}", f"version = {quoted(dice.choice(['1.0', '2!1.0rc1.post2.dev3', '1.0+local.7']))}"]
    meant = {}

    def field(name, key, value, shown=None):
        if dice.random() < 0.7:
            lines.append(f"{name} = {shown or quoted(value)}")
            meant[key] = value

    field("description", "summary", dice.choice(["", " ".join(some())]))
    field("requires-python", "requires_python", dice.choice([">=3.9", ">=3.9,<4", "~=3.10"]))
    field("keywords", "keywords", [word.replace(",", "") for word in some()])
    field("classifiers", "classifiers", ["Programming Language :: Python :: 3", "Topic :: Utilities"])
    field("license", "license_expression", dice.choice(["MIT", "MIT OR Apache-2.0", "LicenseRef-Own"]))
    field("dependencies", "dependencies", dice.sample(["a", "b>=1; os_name == 'nt'", "c[x]==2.*", "d @ https://example.org/d.whl"], 2))
    if dice.random() < 0.7:
        text = "# " + "\n\n".join(some()) + "\n"
        lines.append(f"readme = {{ text = {quoted(text)}, content-type = 'text/markdown' }}")
        meant["description"] = text
    people = [
        {"name": name, "email": email}
        for name, email in [("A", ""), ("Zoë Ü", "z@example.org"), ("B, C", "bc@example.org"), ("", "d@example.org")]
    ]
    people = dice.sample(people, 3)
    tables = ", ".join("{ " + ", ".join(f"{k} = {quoted(v)}" for k, v in person.items() if v) + " }" for person in people)
    lines.append(f"authors = [{tables}]")
    if dice.random() < 0.5:
        lines.append("[project.urls]")
        meant["urls"] = {"Homepage": "https://example.org", "Bug: Tracker": "https://example.org/?a=1,2"}
        lines += [f"{quoted(label)} = {quoted(url)}" for label, url in meant["urls"].items()]
    if dice.random() < 0.5:
        lines += ["[project.optional-dependencies]", "Some_Extra = ['e>=1; os_name == \"nt\" or os_name == \"posix\"']"]
        meant["extra"] = "some-extra"
    if dice.random() < 0.5:
        lines += ["[project.scripts]", 'one = "demo.a:b.c"', 'two = "demo:main [Some_Extra]"']
    return "\n".join(lines) + "\n", meant, people


def entry_points(written, text):
    """What `importlib` reads is what was said."""
    said = tomllib.loads(text)["project"].get("scripts", {})
    read = importlib.metadata.EntryPoints._from_text(written) if hasattr(importlib.metadata.EntryPoints, "_from_text") else None
    found = {point.name: point.value for point in read or () if point.group == "console_scripts"}
    assert read is None or found == said, (found, said)
    for point in read or ():
        assert point.module == "demo" or point.attr == "b.c", point
        assert point.name != "two" or point.extras == ["Some_Extra"], point.extras


def same(metadata, meant, people):
    for key in "summary", "keywords", "license_expression", "description", "classifiers":
        value = getattr(metadata, key)
        assert value != "" and (value or None) == (meant.get(key) or None), (key, value)
    assert str(metadata.requires_python or "") == str(SpecifierSet(meant.get("requires_python", "")))
    own = [str(r) for r in metadata.requires_dist or [] if "extra" not in str(r)]
    assert own == [str(Requirement(r)) for r in meant.get("dependencies", [])], own
    assert (metadata.project_urls or {}) == meant.get("urls", {}), metadata.project_urls
    assert (metadata.provides_extra or []) == ([meant["extra"]] if "extra" in meant else [])
    names = [p["name"] for p in people if not p["email"]]
    assert (metadata.author or "") == ", ".join(names)
    from email.utils import getaddresses

    assert getaddresses([metadata.author_email or ""]) == [(p["name"], p["email"]) for p in people if p["email"]] or not metadata.author_email


def projects():
    dice = random.Random(7)
    for number in range(60):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            text, meant, people = project(dice)
            (folder / "pyproject.toml").write_text(text, "utf-8")
            (folder / "speed.toml").write_text(SPEC)
            run = lambda *words: subprocess.run([sys.argv[2], *words], cwd=folder, capture_output=True, text=True)
            done = run("wheel", "--metadata", "out")
            assert done.returncode == 0, (text, done.stderr)
            written = (folder / done.stdout.strip() / "METADATA").read_bytes()
            try:
                metadata = Metadata.from_email(written, validate=True)
                same(metadata, meant, people)
                points = folder / done.stdout.strip() / "entry_points.txt"
                entry_points(points.read_text("utf-8") if points.exists() else "", text)
                done = run("wheel", "--tag", "cp310-abi3")
                wheel = pathlib.PurePath(done.stdout.strip()).name
                of, number, build, tags = parse_wheel_filename(wheel)
                assert of == canonicalize_name(metadata.name) and number == metadata.version and not build
                assert {(tag.interpreter, tag.abi) for tag in tags} == {("cp310", "abi3")}, tags
            except Exception as error:
                sys.exit(f"{text}\n{written.decode()}\n{error!r}")
    print("60 projects")


{"texts": texts, "projects": projects}[sys.argv[1]]()
