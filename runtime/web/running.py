"""The running product, as handlers ask for it."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from runtime.app import App


def run(web: FastAPI, app: App) -> None:
    """Give `app` to every handler of `web`."""
    web.state.running = app


async def running(request: Request) -> App:
    """Return the product that a request is for."""
    return cast(App, request.app.state.running)


Running = Annotated[App, Depends(running)]
