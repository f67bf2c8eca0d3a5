from urllib.parse import parse_qs, quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from explorer.architecture.config import (
    Act,
    Activation,
    Antialias,
    Architecture,
    Attention,
    Block,
    Connect,
    Dropout,
    Ends,
    Norm,
    Place,
    Shortcut,
    Stem,
    StrideOn,
)
from explorer.architecture.presets import find_preset, list_presets
from explorer.architecture.variant import OPTIONS, format_query, format_variant, parse_query, parse_variant
from explorer.errors import VariantError
from strategies import architectures
from witness import is_one_clear_sentence


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(architectures())
def test_text_and_link_round_trip(architecture):
    text = format_variant(architecture)
    assert parse_variant(text) == architecture
    assert parse_query(format_query(architecture)) == architecture
    assert format_variant(parse_variant(text)) == text
    assert text.isascii() and " " not in text


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(architectures(max_blocks=3))
def test_canonical_text_needs_no_more_options_than_any_listed_name(architecture):
    options = format_variant(architecture).count(",")
    for preset in list_presets():
        changed = [name for name in OPTIONS if getattr(architecture, name) != getattr(preset.architecture, name)]
        written = all(getattr(architecture, name) is not None for name in changed)  # what is None can't be written
        assert options <= len(changed) or not written or preset.name.startswith("plain")


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_a_preset_is_written_as_its_name_alone(preset):
    name = preset.name
    canonical = f"resnet{name.removeprefix('plain')},shortcut=none" if name.startswith("plain") else name
    assert format_variant(preset.architecture) == canonical
    assert parse_variant(preset.name) == preset.architecture


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("resnet56,shortcut=none", "resnet56,shortcut=none"),
        ("  ResNet56 , Shortcut = NONE ", "resnet56,shortcut=none"),
        ("resnet20,shortcut=a", "resnet20"),
        ("resnet50,classes=10,shortcut=C", "resnet50,shortcut=C,classes=10"),
        ("resnet34,block=bottleneck", "resnet50"),
        ("resnet20,depths=9-9-9", "resnet56"),
        ("resnet50,input=3×64×64", "resnet50,input=3x64x64"),
        ("resnet1202", "resnet1202"),
        ("resnet50,stride_on=1x1", "resnet50,stride_on=1x1"),
        ("resnet50,drop_path=0.00001", "resnet50,drop_path=0.00001"),
        ("resnet50,dropout=.000010", "resnet50,dropout=0.00001"),
        ("resnet50,widen=002.50", "resnet50,widen=2.5"),
    ],
)
def test_every_spelling_has_one_canonical_text(text, canonical):
    assert format_variant(parse_variant(text)) == canonical


def test_every_option_is_read():
    text = (
        "resnet18,depths=1-2-3,block=bottleneck,branch=1x1-3x3-3x3-1x1,activation=pre,ends=both,shortcut=C,stem=deep,"
        "stem_width=24,stride_on=1x1,widths=8-20-40,widen=1.5,groups=4,base_width=32,attention=se,se_reduction=4,"
        "se_divisor=2,se_place=identity,dropout=0.25,dropout_kind=channel,drop_path=0.1,zero_init=yes,norm=group,"
        "act=silu,antialias=blur,classes=7,input=1x28x30"
    )
    options = {option.partition("=")[0] for option in text.split(",")[1:]}
    assert options == set(OPTIONS) - {"width", "connect", "growth", "bn_size", "compression"}
    assert parse_variant(text) == Architecture(
        depths=(1, 2, 3),
        block=Block.BOTTLENECK,
        branch=(1, 3, 3, 1),
        activation=Activation.PRE,
        ends=Ends.BOTH,
        shortcut=Shortcut.C,
        stem=Stem.DEEP,
        stem_width=24,
        stride_on=StrideOn.CONV1X1,
        width=8,
        widths=(8, 20, 40),
        widen=1.5,
        groups=4,
        base_width=32,
        attention=Attention.SE,
        se_reduction=4,
        se_divisor=2,
        se_place=Place.IDENTITY,
        dropout=0.25,
        dropout_kind=Dropout.CHANNEL,
        drop_path=0.1,
        zero_init=True,
        norm=Norm.GROUP,
        act=Act.SILU,
        antialias=Antialias.BLUR,
        classes=7,
        input=(1, 28, 30),
    )
    dense = parse_variant("densenet121,width=20,growth=8,bn_size=2,compression=0.25")
    assert dense.connect is Connect.DENSE
    assert (dense.width, dense.growth, dense.bn_size, dense.compression) == (20, 8, 2, 0.25)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("resnet50,in_channels=1", "resnet50,input=1x224x224"),
        ("resnet34,widths=64-128-256-512", "resnet34"),
        ("resnet34,stem_width=64", "resnet34"),
        ("resnet34,branch=3x3-3x3", "resnet34"),
        ("resnet50,branch=1x1-3x3-1x1", "resnet50"),
        ("resnet50,growth=32,connect=dense,activation=pre,ends=both,depths=6-12-24-16", "densenet121"),
    ],
)
def test_equal_networks_have_equal_descriptions(text, same):
    assert parse_variant(text) == parse_variant(same)


CONTRADICTIONS = {
    "resnet18,groups=2": "block=bottleneck",
    "resnet50,growth=12": "connect=dense",
    "resnet50,se_reduction=8": "attention=se",
    "resnet50,se_place=pre": "no attention",
    "resnet50,dropout_kind=channel": "dropout is 0",
    "resnet50,ends=both": "do not begin",
    "resnet50,shortcut=none,drop_path=0.1": "no shortcut",
    "resnet50,shortcut=none,attention=se,se_place=identity": "shortcut",
    "resnet50,connect=dense": "activation=pre",
    "densenet121,shortcut=A": "concatenation",
    "densenet121,widen=2": "concatenation",
    "densenet40_k12,bn_size=2": "bottleneck",
    "resnet50,width=32,widths=64-64-64-64": "disagree",
    "resnet50,widths=64-64": "2 stages",
    "resnet50,input=3x32x32,in_channels=1": "keep one",
    "resnet50,depth=101,depths=1-1-1-1": "keep one",
    "resnet50,depth=51": "depth=51",
    "resnet20,depth=50": "depth=50",  # ImageNet's
    "resnet50,depth=56": "depth=56",  # CIFAR's
    "resnet50,branch=2x2-3x3": "1x1, 3x3, 5x5 or 7x7",
    "resnet50,branch=1x1-1x1": "stride_on=1x1",
    "resnet50,shortcut=A,widths=64-32-16-8": "shortcut=B",
    "resnet50,stem=deep,width=2": "too narrow",
    "resnet50,base_width=1,width=8": "without channels",
    "resnet50,dropout=1": "below 1",
    "resnet50,compression=0.25": "connect=dense",
    "densenet121,compression=0": "above 0",
    "resnet50,widen=0.01": "0.05 to 100",
    "resnet50,zero_init=maybe": "yes or no",
    "resnet50,widen=two": "number",
    "wide_resnet18_2": "bottleneck",
    "ecaresnetlight,depth=50": "depth=50 is no depth",
    "densenet121,stem_width=32": "width is what the stem has",
    "resnet50,activation=relu_before,zero_init=yes": "passes no gradient",
}


@pytest.mark.parametrize(("text", "named"), CONTRADICTIONS.items(), ids=CONTRADICTIONS)
def test_options_that_contradict_each_other_say_why_and_what_to_change(text, named):
    with pytest.raises(VariantError) as refusal:
        parse_variant(text)
    assert named in str(refusal.value)
    assert is_one_clear_sentence(str(refusal.value)), str(refusal.value)


def test_resnet18_with_a_cifar_stem_keeps_its_four_stages():
    architecture = parse_variant("resnet18,stem=cifar")
    assert architecture.depths == (2, 2, 2, 2)
    assert (architecture.width, architecture.classes, architecture.input) == (64, 1000, (3, 224, 224))


BAD = {
    "empty": ("", "empty"),
    "only spaces": ("   ", "empty"),
    "only a comma": (",", "empty"),
    "depth that does not exist": ("resnet51", "51"),
    "unknown name": ("vgg16", "vgg16"),
    "name alone is no number": ("resnetfifty", "resnetfifty"),
    "unicode digits in the name": ("resnet٥٠", "no known network"),
    "unicode digits in a number": ("resnet50,width=٦٤", "width"),
    "unicode digits in depths": ("resnet50,depths=３-４-６-３", "depths"),
    "unknown option": ("resnet50,shortcat=none", "did you mean shortcut"),
    "unknown choice": ("resnet50,shortcut=E", "A, B, C, D or none"),
    "unknown stem": ("resnet50,stem=mnist", "deep, tiered or cifar"),
    "no value": ("resnet50,shortcut", "shortcut=none"),
    "empty value": ("resnet50,shortcut=", "shortcut=none"),
    "empty option": ("resnet50,,", "options look like"),
    "duplicated option": ("resnet50,width=32,width=64", "twice"),
    "duplicated option in another case": ("resnet50,width=32,WIDTH=32", "twice"),
    "text where a number belongs": ("resnet50,width=wide", "width=wide"),
    "fraction": ("resnet50,width=1.5", "whole number"),
    "negative number": ("resnet50,classes=-1", "classes=-1"),
    "zero": ("resnet50,width=0", "1 to 4,096"),
    "too large": ("resnet50,width=99999", "1 to 4,096"),
    "huge number": ("resnet50,classes=" + "9" * 300, "9 digits"),
    "huge depths": ("resnet50,depths=9999999-1", "1,000"),
    "huge input": ("resnet50,input=3x99999999x1", "8,192"),
    "depths as text": ("resnet50,depths=three", "depths=3-4-6-3"),
    "depths with a hole": ("resnet50,depths=3--6-3", "depths=3-4-6-3"),
    "too many stages": ("resnet50,depths=1-1-1-1-1-1-1", "7 stages"),
    "input without channels": ("resnet50,input=224x224", "input=3x224x224"),
    "a basic block has no 1x1": ("resnet18,stride_on=1x1", "block=bottleneck"),
    "script in the name": ("<script>alert(1)</script>", "no known network"),
    "script in an option": ("resnet50,<script>=1", "Options are"),
    "script in a value": ("resnet50,shortcut=<script>alert(1)</script>", "shortcut is"),
    "null byte in the name": ("resnet50\0", "no known network"),
    "null byte in a value": ("resnet50,width=6\x004", "whole number"),
    "newline in the name": ("resnet\n50", "no known network"),
    "terminal escape": ("resnet50,shortcut=\x1b[2Jnone", "shortcut is"),
    "writing direction override": ("resnet50,\u202ewidth=1", "Options are"),
    "percent-encoded null": ("resnet50%00", "no known network"),
    "query instead of a variant": ("?v=resnet50", "no known network"),
    "a million characters": ("resnet50," + "a" * 1_000_000, "1,000,009"),
    "a million commas": ("," * 1_000_000, "600"),
}


@pytest.mark.parametrize(("text", "named"), BAD.values(), ids=BAD)
def test_bad_text_is_refused_in_one_sentence(text, named):
    with pytest.raises(VariantError) as refusal:
        parse_variant(text)
    assert named in str(refusal.value)
    assert is_one_clear_sentence(str(refusal.value)), str(refusal.value)


@pytest.mark.parametrize("text", [text for text, _ in BAD.values() if text.strip()], ids=lambda text: ascii(text[:20]))
def test_bad_text_in_a_link_is_refused_in_one_sentence(text):
    with pytest.raises(VariantError) as refusal:
        parse_query("?v=" + quote(text))
    assert is_one_clear_sentence(str(refusal.value)), str(refusal.value)


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text("resnt0123456789,=-x<>&%+;", max_size=40))
@example("resnet50,")
@example("resnet50,=")
@example("=,=")
def test_any_text_is_a_network_or_one_clear_sentence(text):
    for read, written in ((parse_variant, text), (parse_query, text), (parse_query, "v=" + text)):
        try:
            architecture = read(written)
        except VariantError as refusal:
            assert is_one_clear_sentence(str(refusal)), str(refusal)
        else:
            assert parse_variant(format_variant(architecture)) == architecture


@pytest.mark.parametrize("query", ["", "?", "?run=abc", "__theme=dark", "?v=", "&" * 60, "?a=" + "x" * 10_000])
def test_a_link_without_a_variant_shows_the_default(query):
    assert parse_query(query) == find_preset("resnet50").architecture


def test_a_link_is_readable_and_survives_other_parameters():
    query = format_query(parse_variant("resnet56,shortcut=none"))
    assert query == "?v=resnet56,shortcut=none"
    assert parse_qs(query[1:]) == {"v": ["resnet56,shortcut=none"]}
    assert parse_query(query + "&__theme=dark") == parse_query("?v=resnet56%2Cshortcut%3Dnone")
