from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.reference import format_beside
from explorer.records import PublishedAccuracy

OTHERS = [
    PublishedAccuracy("vgg16", "IMAGENET1K_V1", 0.71592, 0.90382, 138_357_544, 15_470_264_320, "one crop", ""),
    PublishedAccuracy("resnet18", "IMAGENET1K_V1", 0.69758, 0.89078, 11_689_512, 1_814_073_344, "one crop", ""),
]


def test_others_stand_beside_the_variant_by_macs_with_ratios_written_out():
    lines = format_beside(expand_plan(parse_variant("resnet50")), OTHERS).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["network", "resnet50", "resnet18", "vgg16"]
    assert "24.70 % (paper)" in lines[1]
    assert lines[2].split()[-4:] == [
        "0.46",
        "0.44",
        "30.24",
        "%",
    ]  # 11,689,512 / 25,557,032; 1.814 / 4.089; 100 - 69.758
    assert lines[3].split()[-4:] == ["5.41", "3.78", "28.41", "%"]


def test_without_others_the_variant_stands_alone():
    text = format_beside(expand_plan(parse_variant("resnet20,shortcut=none")), [])
    assert text.splitlines()[1].startswith("resnet20,shortcut=none")
    assert "(paper)" not in text
