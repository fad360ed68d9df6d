"""Staff in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.factories import PASSWORD

Open = Callable[[], Page]


def sign_in(page: Page, user: User, *, address: str = "/admin/") -> None:
    """Come in by the staff's door, with password and second factor."""
    device = TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    page.goto(address)
    page.locator("#id_username").fill(user.email or "")
    page.locator("#id_password").fill(PASSWORD)
    code = totp(device.bin_key, device.step, device.t0, device.digits)
    page.locator("#id_code").fill(f"{code:06}")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
