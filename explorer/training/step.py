"""One step of training: forward, backward, update, in whatever number format and on however many processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from explorer.errors import RunError
from explorer.network.build import Network
from explorer.network.device import choose_precision
from explorer.network.evaluation import Meter
from explorer.training.config import TrainConfig
from explorer.training.feed import make_generator
from explorer.training.instruments import Instruments
from explorer.training.recompute import recompute_blocks
from explorer.training.start import freeze_parts, make_optimizer
from explorer.training.team import SOLO, Team

Batch = tuple[Tensor, Tensor]  # images (B, C, H, W); targets (B,), or mixed (B, classes)


class Stepper:
    """Network, optimizer and what belongs to them. `network` learns, `result` is what is tested and kept."""

    def __init__(self, network: Network, config: TrainConfig, device: torch.device, team: Team = SOLO) -> None:
        memory = torch.channels_last if config.channels_last else torch.contiguous_format
        self.network = network.to(device, memory_format=memory)  # type: ignore[call-overload]
        self.config, self.device, self.team = config, device, team
        self.precision = choose_precision(device) if config.precision == "auto" else getattr(torch, config.precision)
        self.frozen = freeze_parts(network, config.freeze)
        self.network = team.share_norms(self.network, device)
        if config.checkpointing:
            recompute_blocks(self.network)
        self.optimizer = make_optimizer(self.network, config, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision is torch.float16)
        self.average = _average(self.network, config.ema)
        self.joined = team.wrap(self.network, device)
        self.fast = torch.compile(self.joined) if config.compile else self.joined
        self.norm = torch.zeros(())
        self.drops = any(getattr(module, "p", 0) for module in self.network.modules())  # dropout and drop path

    @property
    def result(self) -> Network:
        """The averaged network where there is one, else the network itself."""
        return cast(Network, self.average.module) if self.average else self.network

    def state(self) -> dict[str, Any]:
        """What a later stepper needs to go on."""
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        state["scaler"] = self.scaler.state_dict()
        return state | ({"average": self.average.state_dict()} if self.average else {})

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state()`."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(_fit_groups(state["optimizer"], self.optimizer.state_dict()))
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        if self.average:
            self.average.load_state_dict(state["average"])

    def take(self, batch: Batch, rate: float, step: int, meter: Meter, eye: Instruments | None = None) -> None:
        """Train on a batch at a learning rate; `eye` looks on. `norm` of all gradients is known where it was wanted."""
        images, targets = batch
        self._prepare(rate)
        pieces = list(zip(images.chunk(self.config.accumulate), targets.chunk(self.config.accumulate), strict=True))
        with self._seeded(step):
            for index, piece in enumerate(pieces):
                last = index == len(pieces) - 1
                with nullcontext() if last or self.team.size == 1 else self.joined.no_sync():  # type: ignore[operator]
                    self._learn(*piece, 1 / len(pieces), meter, eye if index == 0 else None, eye is not None)
        self._update(eye)

    def _prepare(self, rate: float) -> None:
        self.network.train()
        for module in self.frozen:
            module.eval()
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.optimizer.zero_grad()

    def _learn(
        self, images: Tensor, targets: Tensor, share: float, meter: Meter, eye: Instruments | None, plain: bool
    ) -> None:
        """Forward and backward; a watched step runs uncompiled, since hooks are no part of a compiled network."""
        network: Any = self.joined if plain else self.fast
        with eye.watching(share * self.scaler.get_scale()) if eye else nullcontext():
            logits = self._forward(network, images).float()
            loss = nn.functional.cross_entropy(logits, targets, label_smoothing=self.config.label_smoothing)
            scaled = self.scaler.scale(loss * share if share < 1 else loss)
            scaled.backward()  # type: ignore[no-untyped-call]
        labels = targets if targets.ndim == 1 else targets.argmax(1)
        meter.add(loss.detach(), logits, labels)

    def _forward(self, network: nn.Module, images: Tensor) -> Tensor:
        enabled = self.precision is not torch.float32
        try:
            with torch.autocast(self.device.type, dtype=self.precision, enabled=enabled):
                return network(images)  # type: ignore[no-any-return]
        except Exception as error:
            if self.config.compile and type(error).__module__.startswith("torch._"):
                words = " ".join(str(error).split())[:160]
                raise RunError(f"torch.compile does not work here ({words}): set compile=no.") from None
            raise

    def measure_gradient(self) -> float:
        """L2 norm of all gradients of the last step together, before they were clipped. Waits for the device."""
        norm = self.norm if self.config.clip else nn.utils.get_total_norm(self._list_gradients(), foreach=True)
        return float(norm)

    def _list_gradients(self) -> list[Tensor]:
        return [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]

    def _update(self, eye: Instruments | None) -> None:
        self.scaler.unscale_(self.optimizer)
        if eye:
            eye.before_update()
        if self.config.clip:
            self.norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip, foreach=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average:
            self.average.update_parameters(self.network)

    @contextmanager
    def _seeded(self, step: int) -> Iterator[None]:
        """What dropout drops is drawn from seed, step and rank, whatever else was drawn in this process."""
        if not self.drops:
            yield
            return
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(
                make_generator(self.config.seed, "drop", step * self.team.size + self.team.rank).initial_seed()
            )
            yield


def _average(network: Network, decay: float) -> AveragedModel | None:
    """Exponential moving average of weights and buffers (Polyak; as in torchvision's recipes)."""
    if not decay:
        return None
    follow: Any = get_ema_multi_avg_fn
    return AveragedModel(network, multi_avg_fn=follow(decay), use_buffers=True)


def _fit_groups(saved: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Runs from before there were shares have none saved."""
    for group, mine in zip(saved["param_groups"], own["param_groups"], strict=False):
        group.setdefault("share", mine["share"])
    return saved
