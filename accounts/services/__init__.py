"""Every write to accounts: signing up and in, proving contacts, the profile, second factors."""

from accounts.services.profile import (
    change_password,
    choose_messages,
    remove_passenger,
    save_passenger,
    update_profile,
)
from accounts.services.proving import confirm_contact, request_code, sign_in_by_code
from accounts.services.second_factor import (
    confirm_second_factor,
    give_second_factor,
    match_second_factor,
    offer_second_factor,
)
from accounts.services.signing import log_in, record_login, sign_up

__all__ = [
    "change_password",
    "choose_messages",
    "confirm_contact",
    "confirm_second_factor",
    "give_second_factor",
    "log_in",
    "match_second_factor",
    "offer_second_factor",
    "record_login",
    "remove_passenger",
    "request_code",
    "save_passenger",
    "sign_in_by_code",
    "sign_up",
    "update_profile",
]
