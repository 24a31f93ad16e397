"""The portable backend: psutil, for macOS, Windows and any system without /proc. It runs on Linux too.

What psutil cannot say is None, and `scan_errors` is told once per look what that is: `UNKNOWN` and `NOTES`.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, TypeVar

import psutil

from sqlports.sources import passwd, procfs, services
from sqlports.sources.psutil_gaps import reasons
