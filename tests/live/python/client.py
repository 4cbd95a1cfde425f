"""The official MCP SDK as a client: does what it is told on standard input, prints what came of it.

Input:  {"url": ..., "token": ..., "mode": "auto" | "legacy" | a protocol version, "calls": [[tool, arguments], ...]}
Output: {"version", "server", "tools": [...], "calls": [{"text", "is_error", "structured"} | {"code", "message"}]}
        or {"refused": [every message of the error and its causes]} when no connection came about.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

TIMEOUT_S = 30


async def talk(told):
    headers = {"Authorization": f"Bearer {told['token']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_S, trust_env=False) as http:
        transport = streamable_http_client(told["url"], http_client=http)
        async with Client(transport, mode=told["mode"], read_timeout_seconds=TIMEOUT_S) as client:
            listed = await client.list_tools()
            answers = [await call(client, name, arguments) for name, arguments in told["calls"]]
            return {
                "version": client.session.protocol_version,
                "server": client.session.server_info and client.session.server_info.name,
                "tools": [tool.model_dump(mode="json", by_alias=True) for tool in listed.tools],
                "calls": answers,
            }


async def call(client, name, arguments):
    try:
        result = await client.call_tool(name, arguments)
    except MCPError as error:
        return {"code": error.code, "message": error.message}
    return {
        "text": "".join(block.text for block in result.content if block.type == "text"),
        "is_error": bool(result.is_error),
        "structured": result.structured_content,
    }


def messages(error):
    yield f"{type(error).__name__}: {error}"
    for cause in getattr(error, "exceptions", ()):
        yield from messages(cause)
    if error.__cause__ is not None:
        yield from messages(error.__cause__)


def main():
    told = json.load(sys.stdin)
    try:
        answer = asyncio.run(talk(told))
    except Exception as error:
        answer = {"refused": list(messages(error))}
    print(json.dumps(answer))


main()
