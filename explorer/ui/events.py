"""The one place where a refusal becomes a message on the page."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from html import escape
from typing import Any, TypeVar

import gradio as gr

from explorer.errors import ExplorerError

Function = TypeVar("Function", bound=Callable[..., Any])
LIVE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "api_visibility": "private",
}
_log = logging.getLogger(__name__)


def refuse_politely(function: Function) -> Function:
    """Show an `ExplorerError` as the one sentence it is; anything else as a sentence too, with the details logged."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except ExplorerError as error:
            raise _show(str(error)) from None
        except Exception as error:
            raise _show(_describe_fault(error)) from None

    return wrapped  # type: ignore[return-value]


def _describe_fault(error: Exception) -> str:
    """A sentence about what should not happen; called while it is handled, for the log."""
    _log.exception("An event failed")
    reason = str(error).splitlines()[0][:200] if str(error) else "no reason given"
    return f"This is a fault of the page ({type(error).__name__}: {reason}); its log has the details."


def _show(sentence: str) -> gr.Error:
    """The message as plain text: the browser would read it as HTML, and parts of it came from outside."""
    return gr.Error(escape(sentence), duration=15, title="That did not work", print_exception=False)


def answer(function: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """Wrap a function that the browser calls directly: a refusal or a fault is ``{"error": sentence}``."""

    @functools.wraps(function)
    def wrapped(question: Any) -> dict[str, Any]:
        if not isinstance(question, dict):
            return {"error": "A question is an object with named values."}
        try:
            return function(question)
        except ExplorerError as error:
            return {"error": str(error).encode(errors="replace").decode()}  # half a character can't be sent
        except UnicodeEncodeError:
            return {"error": "Half a character came: write it anew."}
        except Exception as error:
            return {"error": _describe_fault(error)}

    return wrapped
