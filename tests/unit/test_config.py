"""Configuration: precedence, suggestions, units, and the example file."""

from __future__ import annotations

import contextlib
import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn import config
from cairn.config import ConfigError
from cairn.config.document import as_toml, example, toml_value
from cairn.config.load import variables_of
from cairn.config.settings import Config, description_of, fields_of, section_in


@pytest.fixture
def load(tmp_path):
    def load_text(text="", environ=None, flags=None):
        path = tmp_path / "cairn.toml"
        path.write_text(text, "utf-8")
        return config.load(path, environ=environ or {}, flags=flags)

    return load_text


def test_no_file_gives_the_defaults():
    assert config.load(None, environ={}) == Config()


def test_flags_beat_the_environment_which_beats_the_file(load):
    text = '[interface]\nlisten = ":1"\nworkers = 2\n[interface.limits]\nconnections = 7\n'
    environ = {"CAIRN_INTERFACE_LISTEN": ":2", "CAIRN_INTERFACE_LIMITS_LIVE_CHAINS": "8"}
    assert load(text).interface.listen == ":1"
    assert load(text, environ).interface.listen == ":2"
    merged = load(text, environ, {"interface": {"listen": ":3"}}).interface
    assert (merged.listen, merged.workers, merged.limits.connections, merged.limits.live_chains) == (":3", 2, 7, 8)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[interface]\nlissten = "x"', 'interface.lissten: there is no such setting; did you mean "interface.listen"?'),
        ("[interfce]", 'interfce: there is no such section; did you mean "interface"?'),
        ("[interface.limits]\nconections = 3", 'did you mean "interface.limits.connections"?'),
        ('[[site]]\n[[site.proxy]]\npath = "/"\nupstreem = []', 'did you mean "site.proxy.upstream"?'),
        ("[storage]\nzzz = 1", "storage.zzz: there is no such setting; known here: engine,"),
        ('[interface]\nlisten = "127.0.0.1"', "interface.listen: expected an address with a port"),
        ('[interface]\nlisten = "::1:80"', "interface.listen: expected an address with a port"),
        ('[interface]\nlisten = ":65536"', "interface.listen: expected an address with a port"),
        ('[interface]\nworkers = "x"', "interface.workers: expected a whole number, got a string"),
        ("[interface]\nworkers = true", "interface.workers: expected a whole number, got true or false"),
        ("interface = 3", "interface: expected a table, got a whole number"),
        ("[[interface]]", "interface: expected a table, got a list"),
        ("[site]", "site: expected a list, got a table"),
        ("site = [1]", "site[0]: expected a table, got a whole number"),
        ('[[site]]\nhost = "a"', "site[0].host: expected a list, got a string"),
        ("[interface]\ntls = { cert = 'a' }", "interface.tls"),
        ('[interface]\nadmission = "all"', 'interface.admission: expected "open" or "grant"'),
        ('[interface]\ntrusted_proxies = ["ten"]', "interface.trusted_proxies: expected an address or network"),
        ("[interface.limits]\nheader_seconds = inf", "interface.limits.header_seconds: expected a finite number"),
        ("[interface.limits]\nheader_seconds = nan", "interface.limits.header_seconds: expected a"),
        ('[cache]\nmemory = "10 parsecs"', "cache.memory: expected a size"),
        ('[cache]\nmemory = "101%"', "cache.memory: expected a size"),
        ('[cache]\nmemory = ""', "cache.memory: expected a size"),
        ('[cluster]\nrepair_rate = "5MiB/min"', "cluster.repair_rate: expected a rate"),
        ("[cluster]\nmin_copies = 3", "cluster.min_copies: more than cluster.copies"),
        ("[storage]\ntrim_hours = -1", "storage.trim_hours: expected a number >= 0"),
        ('[storage]\ntrim_hours = "soon"', "trim_hours: expected a duration"),
        ('[storage]\nengine = "s4://x"', "storage.engine: expected"),
        ('[node]\nroles = ["cook"]', "node.roles: expected"),
        ("[node]\nroles = []", "node.roles: expected"),
        ("x =", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(load, text, says):
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("CAIRN_INTERFACE_LISTN", "did you mean CAIRN_INTERFACE_LISTEN?"),
        ("CAIRN_INTERFCE_LISTEN", "did you mean CAIRN_INTERFACE_LISTEN?"),
        ("CAIRN_STORAGE_QQQQQQQ", "there is no such variable"),
        ("CAIRN_INTERFACE_WORKERS", "CAIRN_INTERFACE_WORKERS: expected a whole number"),
        ("CAIRN_INTERFACE_LISTEN", "interface.listen: expected an address"),
    ],
)
def test_a_wrong_variable_is_refused(load, variable, says):
    with pytest.raises(ConfigError) as refused:
        load(environ={variable: "many"})
    assert says in str(refused.value)


def test_variables_of_others_with_our_prefix_are_left_alone(load):
    environ = {"CAIRN_SERVICE_HOST": "10.0.0.1", "CAIRN_PORT": "tcp://10.0.0.1:8420", "CAIRN_SERVER": "http://x"}
    assert load(environ=environ) == Config()


def test_every_variable_reaches_its_setting(load):
    samples = {str: "4096", int: "5000000", float: "7.5", tuple: "::1"}
    special = {
        "CAIRN_INTERFACE_LISTEN": "[::1]:1",
        "CAIRN_STORAGE_LISTEN": ":2",
        "CAIRN_CACHE_LISTEN": ":3",
        "CAIRN_STORAGE_ENGINE": "cluster",
        "CAIRN_INTERFACE_ADMISSION": "grant",
        "CAIRN_NODE_ROLES": "storage",
        "CAIRN_INTERFACE_LIMITS_BATCH_ITEMS": "9",
        "CAIRN_CLUSTER_COPIES": "5000000",
        "CAIRN_STORAGE_SHARDS": "9",
    }
    seen = set()
    for variable, place in variables_of(Config, ()):
        default: object = Config()
        for key in place:
            default = getattr(default, key) if default is not None else ""
        environ = {"CAIRN_INTERFACE_TLS_CERT": "c", "CAIRN_INTERFACE_TLS_KEY": "k", "CAIRN_CLUSTER_COPIES": "5000000"}
        environ |= {f"CAIRN_STORAGE_LINK_TLS_{name}": "f" for name in ("CERT", "KEY", "CA")}
        environ[variable] = special.get(variable, samples[type(default)])
        value: object = load(environ=environ)
        for key in place:
            value = getattr(value, key)
        assert value != default, variable
        seen.add(variable)
    assert {"CAIRN_INTERFACE_TLS_CERT", "CAIRN_CACHE_MEMORY", "CAIRN_INTERFACE_TRUSTED_PROXIES"} <= seen


def test_lists_in_variables_are_split_at_commas(load):
    environ = {"CAIRN_INTERFACE_TRUSTED_PROXIES": "10.0.0.0/8, ::1,"}
    assert load(environ=environ).interface.trusted_proxies == ("10.0.0.0/8", "::1")


@pytest.mark.parametrize(("value", "hours"), [("36h", 36), ("2d", 48), ("90min", 1.5), ("7", 7)])
def test_durations_say_their_unit(load, value, hours):
    assert load(f'[storage]\ntrim_hours = "{value}"').storage.trim_hours == hours
    assert load(environ={"CAIRN_STORAGE_TRIM_HOURS": value}).storage.trim_hours == hours


def test_a_number_is_a_size_too(load):
    assert load("[cache]\nmemory = 0").cache.memory == "0"


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("4096", 4096), ("512MiB", 512 * 2**20), ("20 GB", 20 * 10**9), ("1.5kib", 1536), ("10%", 100)],
)
def test_sizes(text, size):
    assert config.parse_size(text, 1000) == size


@pytest.mark.parametrize("text", ["", "-1", "1e3", "MiB", "12 34", "1MiB/s", "10 %%", "٣MiB", "8388608TiB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ConfigError):
        config.parse_size(text, 1000)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ConfigError):
        config.parse_size("10%")


@given(st.text(max_size=12))
def test_any_text_is_a_size_a_duration_or_an_error(text):
    for parse in (config.parse_size, config.parse_rate, config.parse_duration, config.parse_address):
        with contextlib.suppress(ConfigError):
            assert parse(text) is not None


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8420", "127.0.0.1", 8420, True),
        ("[::1]:0", "::1", 0, True),
        ("localhost:80", "localhost", 80, True),
        (":80", "0.0.0.0", 80, False),
        ("[::]:80", "::", 80, False),
        ("example.org:80", "example.org", 80, False),
    ],
)
def test_addresses(text, host, port, loopback):
    address = config.parse_address(text)
    assert (address.host, address.port, address.is_loopback) == (host, port, loopback)
    assert config.parse_address(str(address)) == address


def test_the_example_file_changes_nothing_and_names_every_setting(load):
    text = example()
    assert load(text) == Config()
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in text.splitlines()
    )
    named = tomllib.loads(uncommented)
    _names_all(named, Config)


def _names_all(table, section):
    assert set(table) == set(fields_of(section)), section.__name__
    for name, field in fields_of(section).items():
        inner = section_in(field.type)
        if inner is not None:
            part = table[name]
            _names_all(part[0] if isinstance(part, list) else part, inner)


def test_every_setting_has_a_description_and_every_section_a_docstring():
    def walk(section):
        assert section.__doc__
        for field in fields_of(section).values():
            inner = section_in(field.type)
            if inner is None:
                assert description_of(field).endswith((".", "?")), field.name
            else:
                walk(inner)

    walk(Config)


def test_what_is_shown_can_be_loaded_again(load):
    text = """
    [interface]
    listen = "[::1]:9"
    tls = { cert = "c.pem", key = 'k".pem' }
    [[site]]
    host = ["a.example", "b.example"]
    headers = { "X-Why" = "quote \\" and \\\\ back", "Ünïcode" = "ok" }
    [[site.proxy]]
    path = "/shop/"
    upstream = ["http://127.0.0.1:9"]
    [[site]]
    static = "www"
    spa = true
    """
    loaded = load(text)
    assert load(as_toml(loaded)) == loaded


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_string_survives_toml(text):
    assert tomllib.loads(f"x = {toml_value(text)}")["x"] == text


def test_msgspec_sees_the_same_defaults_as_python():
    assert msgspec.convert({}, Config) == Config()
