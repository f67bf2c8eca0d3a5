"""torchvision's loaders on small stand-ins in the real formats; their checksums are those of the stand-ins."""

import gzip
import hashlib
import io
import pickle
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy
import pytest
import scipy.io
import torch
from torchvision import datasets

from explorer.data.catalogue import NAMED, find_data_folder, list_datasets
from explorer.data.datasets import load_dataset
from explorer.data.downloads import SOURCES
from explorer.errors import DataError

RNG = numpy.random.default_rng(3)
CIFAR = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}
COUNT = {"cifar10": (25, 5), "cifar100": (7, 5), "fashion_mnist": (6, 4), "svhn": (9, 4)}
SIDES = {"fashion_mnist": (1, 28, 28)}


@pytest.fixture(autouse=True)
def explorer_home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def server(tmp_path):
    """Serves tmp_path/web; a request for `cut` ends in the middle of the file."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def copyfile(self, source, outputfile):
            content = source.read()
            outputfile.write(content[: len(content) // 2] if cut else content)

    cut = []
    (tmp_path / "web").mkdir()
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}", cut
    served.shutdown()
    thread.join()
    served.server_close()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def draw(name: str, test: bool) -> tuple[numpy.ndarray, list[int]]:
    """Images (N, C, H, W) uint8 and labels."""
    count = COUNT[name][test]
    images = RNG.integers(0, 256, (count, *SIDES.get(name, (3, 32, 32))), dtype=numpy.uint8)
    return images, [number % 7 for number in range(count)]


def write_cifar(name, web, monkeypatch):
    """Pickled batches of rows, red before green before blue, in a tar file."""
    kind, parts, files = CIFAR[name], [], {}
    for test, listed in enumerate((kind.train_list, kind.test_list)):
        images, labels = draw(name, bool(test))
        parts.append((images, labels))
        for number, (file, _) in enumerate(listed):
            size = len(images) // len(listed)
            piece = slice(number * size, (number + 1) * size)
            key = "labels" if name == "cifar10" else "fine_labels"
            rows = images[piece].reshape(size, -1)
            files[file] = pickle.dumps({"data": rows, key: labels[piece]}, protocol=2)
    count = 10 if name == "cifar10" else 100
    files[kind.meta["filename"]] = pickle.dumps({kind.meta["key"]: [f"name {number}" for number in range(count)]})
    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(kind, attribute, [[file, md5(files[file])] for file, _ in getattr(kind, attribute)])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5(files[kind.meta["filename"]])})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for file, content in files.items():
            member = tarfile.TarInfo(f"{kind.base_folder}/{file}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(kind, "tgz_md5", md5(buffer.getvalue()))
    (web / kind.filename).write_bytes(buffer.getvalue())
    return parts


def write_fashion(web, monkeypatch):
    """idx files: a magic number, sizes big-endian, bytes; gzipped."""
    parts, resources = [], []
    for test, prefix in enumerate(("train", "t10k")):
        images, labels = draw("fashion_mnist", bool(test))
        parts.append((images, labels))
        head = b"\0\0\x08\x03" + b"".join(number.to_bytes(4, "big") for number in (len(images), 28, 28))
        pictures = gzip.compress(head + images.tobytes())
        marks = gzip.compress(b"\0\0\x08\x01" + len(labels).to_bytes(4, "big") + bytes(labels))
        for file, content in ((f"{prefix}-images-idx3-ubyte.gz", pictures), (f"{prefix}-labels-idx1-ubyte.gz", marks)):
            (web / file).write_bytes(content)
            resources.append((file, md5(content)))
    monkeypatch.setattr(datasets.FashionMNIST, "resources", resources)
    return parts


def write_svhn(web, monkeypatch):
    """Matlab's files: X (H, W, C, N), y (N, 1) where 10 is the digit 0."""
    parts, splits = [], dict(datasets.SVHN.split_list)
    for test, part in enumerate(("train", "test")):
        images, labels = draw("svhn", bool(test))
        parts.append((images, labels))
        marks = numpy.array([[label or 10] for label in labels], dtype=numpy.uint8)
        path = web / splits[part][1]
        scipy.io.savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": marks})
        splits[part] = [splits[part][0], splits[part][1], md5(path.read_bytes())]
    monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    return parts


def publish(name, web, url, monkeypatch):
    """Write a stand-in into the served folder and let torchvision look there; returns what it holds."""
    if name in CIFAR:
        parts = write_cifar(name, web, monkeypatch)
        monkeypatch.setattr(CIFAR[name], "url", f"{url}/{CIFAR[name].filename}")
    elif name == "fashion_mnist":
        parts = write_fashion(web, monkeypatch)
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [f"{url}/"])
    else:
        parts = write_svhn(web, monkeypatch)
        splits = {part: [f"{url}/{file}", file, code] for part, (_, file, code) in datasets.SVHN.split_list.items()}
        monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    return parts


def check(name, parts):
    dataset = load_dataset(name)
    for part, (images, labels) in zip((dataset, dataset.test), parts, strict=True):
        assert part.images.dtype is torch.uint8 and torch.equal(part.images, torch.from_numpy(images))
        assert part.labels.dtype is torch.int64 and part.labels.tolist() == labels
    assert dataset.name == name and dataset.shape == SIDES.get(name, (3, 32, 32))
    assert len(dataset.classes) == (100 if name == "cifar100" else 10) and dataset.test.test is None
    assert dataset.flip == (name != "svhn")  # a mirrored digit is another sign
    return dataset


def here():
    return {name: there for name, _, there in list_datasets()}


def left_behind():
    """What lies in the data folder beside data sets and locks."""
    return [path.name for path in find_data_folder().iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("name", SOURCES)
def test_a_set_is_downloaded_once_and_read_as_it_was_written(name, server, tmp_path, monkeypatch, capfd):
    url, _ = server
    parts = publish(name, tmp_path / "web", url, monkeypatch)
    assert not here()[name]
    check(name, parts)
    assert here()[name] and not left_behind()
    for path in (tmp_path / "web").iterdir():
        path.unlink()
    check(name, parts)  # no server needed
    assert load_dataset(name, every=2).labels.tolist() == parts[0][1][::2]


@pytest.mark.parametrize("name", SOURCES)
def test_a_cut_download_leaves_nothing_that_is_taken_for_whole(name, server, tmp_path, monkeypatch, capfd):
    url, cut = server
    parts = publish(name, tmp_path / "web", url, monkeypatch)
    cut.append(True)
    with pytest.raises(DataError, match="could not be downloaded"):
        load_dataset(name)
    assert not here()[name] and not left_behind()
    cut.clear()
    check(name, parts)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("flat", [False, True])
def test_archives_placed_by_hand_work_without_network(name, flat, server, tmp_path, monkeypatch, capfd):
    url, _ = server
    parts = publish(name, tmp_path / "web", url, monkeypatch)
    for archive in SOURCES[name].archives():
        target = find_data_folder() / (Path(archive.path).name if flat else archive.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "web" / Path(archive.path).name).rename(target)
    check(name, parts)
    check(name, parts)


@pytest.mark.parametrize("name", SOURCES)
def test_without_network_it_says_what_to_place_where(name, monkeypatch, capfd):
    nowhere = "http://127.0.0.1:9"  # the port "discard", where nothing listens
    for kind in CIFAR.values():
        monkeypatch.setattr(kind, "url", f"{nowhere}/{kind.filename}")
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [f"{nowhere}/"])
    splits = {part: [f"{nowhere}/{file}", file, code] for part, (_, file, code) in datasets.SVHN.split_list.items()}
    monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    find_data_folder().mkdir(parents=True)
    first = SOURCES[name].archives()[0]
    (find_data_folder() / Path(first.path).name).write_bytes(b"half of it")
    with pytest.raises(DataError) as caught:
        load_dataset(name)
    words = str(caught.value)
    assert "\n" not in words and words.count(". ") == 0 and str(find_data_folder()) in words
    for archive in SOURCES[name].archives():
        assert f"{Path(archive.path).name} (md5 {archive.md5}" in words
    assert words.count("the file there has another") == 1
    assert not left_behind() and (find_data_folder() / Path(first.path).name).read_bytes() == b"half of it"


@pytest.mark.parametrize("name", SOURCES)
def test_damaged_files_are_replaced(name, server, tmp_path, monkeypatch, capfd):
    url, _ = server
    parts = publish(name, tmp_path / "web", url, monkeypatch)
    load_dataset(name)
    files = next(named.files for named in NAMED if named.name == name)
    damaged = find_data_folder() / files[0]
    damaged.write_bytes(damaged.read_bytes()[:-7])
    check(name, parts)


def test_leftovers_of_a_killed_download_are_removed(server, tmp_path, monkeypatch, capfd):
    url, _ = server
    parts = publish("cifar10", tmp_path / "web", url, monkeypatch)
    leftover = find_data_folder() / ".cifar10.part" / "cifar-10-batches-py"
    leftover.mkdir(parents=True)
    (leftover / "data_batch_1").write_bytes(b"half")
    check("cifar10", parts)
    assert not left_behind()


def test_a_full_disk_says_so(monkeypatch):
    def fill(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torchvision.datasets.utils._get_redirect_url", fill)
    with pytest.raises(DataError, match="disk is full"):
        load_dataset("cifar10")


def test_the_catalogue_names_the_files_that_torchvision_reads():
    for name, kind in CIFAR.items():
        named = next(each for each in NAMED if each.name == name)
        listed = [file for file, _ in kind.train_list + kind.test_list]
        assert list(named.files) == [f"{kind.base_folder}/{file}" for file in listed]
    for named in NAMED:
        if named.name in SOURCES:
            assert sorted(named.archives) == sorted(archive.path for archive in SOURCES[named.name].archives())
    fashion = next(each for each in NAMED if each.name == "fashion_mnist")
    raw = Path(datasets.FashionMNIST.__name__) / "raw"
    assert {Path(file).parent for file in fashion.files} == {raw}
    assert [f"{file}.gz" for file in fashion.files] == list(fashion.archives)


def test_what_needs_no_file_is_always_here():
    listed = here()
    assert [name for name, there in listed.items() if there] == ["digits", "synthetic"]
    assert list(listed) == ["digits", *SOURCES, "synthetic"]
