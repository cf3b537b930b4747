import pytest
from easel_serving import textproto


def test_reads_what_people_write():
    text = """
    # by hand
    model_config_list: {
      config { name: 'a' "b", base_path: "/m/\\"x\\""
               model_version_policy: { specific { versions: [1, 2] versions: 3 } } }
      config < name: "c"; on: true; ratio: 0.5f; kind: TENSORFLOW >
    }
    """
    configs = textproto.get_all(textproto.get(textproto.parse(text), "model_config_list"), "config")
    assert textproto.get(configs[0], "name") == "ab"
    assert textproto.get(configs[0], "base_path") == '/m/"x"'
    specific = textproto.get(textproto.get(configs[0], "model_version_policy"), "specific")
    assert textproto.get_all(specific, "versions") == [1, 2, 3]
    assert [textproto.get(configs[1], key) for key in ("on", "ratio", "kind")] == [True, 0.5, "TENSORFLOW"]


def test_render_is_what_parse_reads():
    message = [
        ("a", 'quote " and \\ and\nline'),
        ("b", [("n", -1), ("on", False), ("w", textproto.Word("ENUM"))]),
        ("f", 1.5),
    ]
    assert textproto.parse(textproto.render(message)) == message


@pytest.mark.parametrize("text", ["a {", "a", "a }", "1: 2", "a: ", "a b", "a: [1", "} "])
def test_refuses_what_is_no_message(text):
    with pytest.raises(ValueError, match=r".+"):
        textproto.parse(text)
