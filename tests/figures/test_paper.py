import re
from xml.etree import ElementTree

import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.paper import draw_paper, format_latex, format_markdown, format_text, write_cell
from explorer.figures.paper_rows import compose_paper

# He et al. 2015, table 1, as printed: rows conv2_x to conv5_x of the 18-, 34-, 50-, 101- and 152-layer network
PUBLISHED = {
    "resnet18": ("[3×3, 64; 3×3, 64] × 2", "[3×3, 128; 3×3, 128] × 2", "[3×3, 256; 3×3, 256] × 2",
                 "[3×3, 512; 3×3, 512] × 2"),
    "resnet34": ("[3×3, 64; 3×3, 64] × 3", "[3×3, 128; 3×3, 128] × 4", "[3×3, 256; 3×3, 256] × 6",
                 "[3×3, 512; 3×3, 512] × 3"),
    "resnet50": ("[1×1, 64; 3×3, 64; 1×1, 256] × 3", "[1×1, 128; 3×3, 128; 1×1, 512] × 4",
                 "[1×1, 256; 3×3, 256; 1×1, 1024] × 6", "[1×1, 512; 3×3, 512; 1×1, 2048] × 3"),
    "resnet101": ("[1×1, 64; 3×3, 64; 1×1, 256] × 3", "[1×1, 128; 3×3, 128; 1×1, 512] × 4",
                  "[1×1, 256; 3×3, 256; 1×1, 1024] × 23", "[1×1, 512; 3×3, 512; 1×1, 2048] × 3"),
    "resnet152": ("[1×1, 64; 3×3, 64; 1×1, 256] × 3", "[1×1, 128; 3×3, 128; 1×1, 512] × 8",
                  "[1×1, 256; 3×3, 256; 1×1, 1024] × 36", "[1×1, 512; 3×3, 512; 1×1, 2048] × 3"),
}  # fmt: skip
STAGES = (("conv2_x", "56×56"), ("conv3_x", "28×28"), ("conv4_x", "14×14"), ("conv5_x", "7×7"))
CONV1, POOL, HEAD = (
    ("conv1", "112×112", "7×7, 64, stride 2"),
    "3×3 max pool, stride 2",
    "average pool, 1000-d fc, softmax",
)
FLOPS = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3}  # in 10⁹


def plans_of(*texts):
    return [expand_plan(parse_variant(text)) for text in texts]


def rows_of(*texts):
    """Rows by name (by label, where they have none): (label, size, cells in one line)."""
    table = compose_paper(plans_of(*texts))
    return {
        row.name or row.label: (row.label, row.size, [write_cell(row, cell) for cell in row.cells])
        for row in table.rows
    }


def test_the_five_columns_of_the_papers_table():
    rows = rows_of(*PUBLISHED)
    assert rows["stem"] == (*CONV1[:2], [CONV1[2]] * 5)
    assert rows["stem.pool"] == ("conv2_x", "56×56", [POOL] * 5)
    for number, (label, size) in enumerate(STAGES):
        cells = [column[number] for column in PUBLISHED.values()]
        assert rows[f"layer{number + 1}"] == (label, size, cells)
    assert rows["head"][1:] == ("1×1", [HEAD.removesuffix(", softmax")] * 5)  # the page's networks give logits


@pytest.mark.parametrize(("name", "flops"), FLOPS.items())
def test_macs_are_the_flops_that_the_paper_prints(name, flops):
    """To the digit that it prints, cut or rounded; its bottlenecks stride on their 1x1."""
    text = f"{name},stride_on=1x1" if flops > 3.7 else name
    (cell,) = rows_of(text)["MACs"][2]
    assert cell.endswith(" G") and float(cell.removesuffix(" G")) == pytest.approx(flops, abs=0.07)


def test_the_order_of_the_rows_and_words_below_them():
    table = compose_paper(plans_of("resnet50"))
    assert [row.label for row in table.rows] == [
        "conv1", "conv2_x", "conv2_x", "conv3_x", "conv4_x", "conv5_x", "head",
        "shortcut", "stride 2", "parameters", "MACs",
    ]  # fmt: skip
    rows = rows_of("resnet50")
    assert rows["shortcut"][2] == ["B: identity; 1×1 projection where shapes change"]
    # "Downsampling is performed by conv3_1, conv4_1, and conv5_1 with a stride of 2" (caption of the paper's table)
    assert rows["stride 2"][2] == ["the 3×3 of conv3_1, conv4_1 and conv5_1"]
    assert rows_of("resnet50,stride_on=1x1")["stride 2"][2] == ["the first 1×1 of conv3_1, conv4_1 and conv5_1"]
    assert rows_of("resnet18")["stride 2"][2] == ["the first 3×3 of conv3_1, conv4_1 and conv5_1"]


@pytest.mark.parametrize(
    ("variant", "name", "cell"),
    [
        # Xie et al. 2017, table 1
        ("resnext50_32x4d", "layer1", "[1×1, 128; 3×3, 128, C=32; 1×1, 256] × 3"),
        ("resnext50_32x4d", "layer3", "[1×1, 512; 3×3, 512, C=32; 1×1, 1024] × 6"),
        # Hu et al. 2018, table 1, which writes "fc" for the squeeze-excitation
        ("seresnet50", "layer1", "[1×1, 64; 3×3, 64; 1×1, 256; SE, [16, 256]] × 3"),
        ("seresnext50_32x4d", "layer4", "[1×1, 1024; 3×3, 1024, C=32; 1×1, 2048; SE, [128, 2048]] × 3"),
        # Wang et al. 2020, equation 12: kernels of 5 at 256 channels
        ("ecaresnet50d", "layer1", "[1×1, 64; 3×3, 64; 1×1, 256; ECA, over 5] × 3"),
        # Huang et al. 2017, table 1: blocks of 6, 12, 24, 16 layers, growth 32, and what lies between them
        ("densenet121", "layer1", "[1×1, 128; 3×3, 32] × 6"),
        ("densenet121", "layer3", "[1×1, 128; 3×3, 32] × 24"),
        ("densenet121", "layer2.transition", "1×1, 128; 2×2 average pool, stride 2"),
        # He et al. 2015, section 4.2, and 2019, figure 2b
        ("resnet20", "stem", "3×3, 16"),
        ("resnet20", "layer3", "[3×3, 64; 3×3, 64] × 3"),
        ("resnet50d", "stem", "3×3, 32, stride 2; 3×3, 32; 3×3, 64"),
        ("resnetblur50", "stem.pool", "3×3 max pool, stride 1; 3×3 blur, stride 2"),
        # Zagoruyko & Komodakis 2016, table 1, with k = 10 and N = 4
        ("wrn28_10", "layer2", "[3×3, 320; 3×3, 320] × 4"),
        ("resnet50,attention=se,se_place=identity", "layer1",
         "[1×1, 64; 3×3, 64; 1×1, 256; SE on the shortcut, [16, 256]] × 3"),
    ],
)  # fmt: skip
def test_cells_of_other_families(variant, name, cell):
    assert rows_of(variant)[name][2] == [cell]


def test_words_say_what_the_cells_do_not():
    assert "activation" not in rows_of("resnet50")
    assert rows_of("resnetv2_50")["activation"][2] == ["pre-activation: norm and activation before each convolution"]
    assert rows_of("resnet50_gn,act=silu,dropout=0.3")["layers"][2] == ["group norm, SiLU, dropout 30%"]
    assert rows_of("densenet121")["shortcut"][2] == ["dense: 32 channels appended by each"]
    assert "stride 2" not in rows_of("densenet121")  # its transitions say it
    assert rows_of("resnet18,shortcut=none")["shortcut"][2] == ["none: a plain network"]
    assert rows_of("resnetaa50d")["stride 2"][2] == ["the 2×2 average pool of conv3_1, conv4_1 and conv5_1"]


def test_dense_networks_have_the_labels_of_their_paper():
    labels = [row.label for row in compose_paper(plans_of("densenet121")).rows]
    assert labels[:9] == [
        "conv1", "pooling", "dense block 1", "transition 1", "dense block 2", "transition 2", "dense block 3",
        "transition 3", "dense block 4",
    ]  # fmt: skip


def test_variants_of_other_sizes_stand_side_by_side():
    rows = rows_of("resnet50", "resnet20", "densenet121")
    assert rows["stem"] == ("conv1", "", ["112×112: 7×7, 64, stride 2", "32×32: 3×3, 16", "112×112: 7×7, 64, stride 2"])
    assert rows["stem.pool"][2] == [POOL, "—", POOL]
    assert rows["layer4"][2] == [PUBLISHED["resnet50"][3], "—", "[1×1, 128; 3×3, 32] × 16"]
    assert rows["layer2.transition"] == (
        "transition 1", "28×28", ["—", "—", "1×1, 128; 2×2 average pool, stride 2"],
    )  # fmt: skip
    assert rows["activation"][2][0].startswith("post-activation") and rows["activation"][2][2].startswith("pre-")


def test_html_is_a_table_with_cells_for_every_column():
    page = ElementTree.fromstring(f"<div>{draw_paper(plans_of('resnet18', 'resnet50'))}</div>")
    head, *rows = page.findall(".//tr")
    assert [cell.text for cell in head] == ["layer", "output", "resnet18", "resnet50"]
    hanging = 0
    for row in rows:
        own = sum(int(cell.get("colspan", 1)) for cell in row)
        assert own + hanging == 4
        hanging = sum(1 for cell in row if cell.get("rowspan")) if not hanging else 0
    assert [row.get("data-name") for row in rows if row.get("data-name")] == [
        "stem", "stem", "layer1", "layer2", "layer3", "layer4", "head",
    ]  # fmt: skip
    brackets = page.findall('.//span[@class="rx-bracket"]')
    assert len(brackets) == 8
    assert [line.text for line in brackets[1]] == ["1×1, 64", "3×3, 64", "1×1, 256"]
    assert [span.text for span in rows[0].findall(".//span[@class='rx-lines']/span")] == ["7×7, 64, stride 2"]


def test_markdown_has_cells_under_every_heading():
    lines = [line for line in format_markdown(plans_of(*PUBLISHED)).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {len(row) for row in cells} == {7}
    assert cells[0] == ["layer", "output", *(f"`{name}`" for name in PUBLISHED)]
    assert cells[2] == ["conv1 (stem)", "112×112", *[CONV1[2]] * 5]
    assert cells[3] == ["conv2_x (layer1)", "56×56", *[POOL] * 5]
    assert cells[4] == ["", "", *(column[0] for column in PUBLISHED.values())]


def test_text_draws_brackets_of_three_lines():
    lines = format_text(plans_of("resnet50")).splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("conv4_x (layer3)"))
    assert [line.strip() for line in lines[at : at + 3]] == [
        "conv4_x (layer3)  14×14    ⎡ 1×1, 256  ⎤", "⎢ 3×3, 256  ⎥ × 6", "⎣ 1×1, 1024 ⎦",
    ]  # fmt: skip
    starts = {line.index(sign) for line in lines for sign in "⎡⎢⎣" if sign in line}
    assert len(starts) == 1
    assert lines[-1].startswith("MACs: multiply-adds") and "the paper writes FLOPs for MACs" in lines[-1]


def test_latex_is_balanced_and_has_every_column():
    text = format_latex(plans_of("resnet18", "resnet50", "resnext50_32x4d"))
    for kind in ("table", "tabular", "array"):
        assert text.count(f"\\begin{{{kind}}}") == text.count(f"\\end{{{kind}}}") > 0
    assert text.count("\\left[") == text.count("\\right]") == 12
    assert text.count("{") == text.count("}")
    assert "\\begin{tabular}{llccc}" in text and "resnext50\\_32x4d" in text
    assert re.search(r"\\caption\{.*resnext50\\_32x4d.*FLOPs = 2 \$\\times\$ MACs", text)
    body = text.partition("\\midrule")[2].partition("\\bottomrule")[0].strip()
    for row in re.split(r" \\\\\n", body.removesuffix(" \\\\")):
        plain = re.sub(r"\\begin\{array\}.*?\\end\{array\}", "", row)
        spans = sum(int(span) - 1 for span in re.findall(r"\\multicolumn\{(\d+)\}", plain))
        assert plain.count("&") + 1 + spans == 5, row
    assert not re.search(r"[^\x00-\x7f]", text.replace("é", ""))


@pytest.mark.parametrize("write", [draw_paper, format_text, format_markdown, format_latex])
def test_one_column_of_every_family(write):
    from families import FAMILIES

    for variant in FAMILIES:
        assert write(plans_of(variant)).count("MACs") >= 2
