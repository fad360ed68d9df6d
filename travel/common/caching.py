"""The cache as a help that may fail: nothing is lost when it does, it is only slower."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# What a cache that is down, hung or full raises.
CACHE_FAILURES: tuple[type[Exception], ...] = (ConnectionInterrupted, RedisError, OSError)


def get(key: str) -> Any:
    """Answer what is cached under the key, or None when there is nothing or no cache."""
    try:
        return cache.get(key)
    except CACHE_FAILURES as failure:
        _tell(failure)
        return None


def get_many(keys: Iterable[str]) -> dict[str, Any]:
    """Answer what is cached under these keys; nothing when there is no cache."""
    try:
        return dict(cache.get_many(list(keys)))
    except CACHE_FAILURES as failure:
        _tell(failure)
        return {}


def put(key: str, value: Any, *, seconds: int) -> None:
    """Cache a value, if there is a cache."""
    try:
        cache.set(key, value, seconds)
    except CACHE_FAILURES as failure:
        _tell(failure)


def put_many(values: Mapping[str, Any], *, seconds: int) -> None:
    """Cache several values, if there is a cache."""
    try:
        cache.set_many(dict(values), seconds)
    except CACHE_FAILURES as failure:
        _tell(failure)


def forget(key: str) -> None:
    """Drop a value, if there is a cache."""
    try:
        cache.delete(key)
    except CACHE_FAILURES as failure:
        _tell(failure)


def _tell(failure: Exception) -> None:
    logger.warning("the cache does not answer: %s", type(failure).__name__)
