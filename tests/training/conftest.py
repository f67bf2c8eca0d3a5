import pytest
import torch


@pytest.fixture(autouse=True)
def explorer_home(tmp_path, monkeypatch):
    """No test sees, or leaves, a run among the user's own."""
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Networks as small as these only wait for a second thread: 20 times longer on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
