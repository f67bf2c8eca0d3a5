import pytest
import torch


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Small networks on single images lose more time to waiting threads than they win."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
