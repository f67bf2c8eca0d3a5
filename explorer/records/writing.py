"""Records as lines of JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from explorer.records.measurement import Measurement, MeasureProgress
from explorer.records.study import StudyRecord
from explorer.records.training import Record, RunCost, TrialProgress


def write_record(record: Record | Measurement | MeasureProgress | RunCost | TrialProgress | StudyRecord) -> str:
    """Write a record as one line of JSON; a number that is not finite becomes null."""
    return json.dumps({"kind": record.kind, **_finite(asdict(record))}, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
