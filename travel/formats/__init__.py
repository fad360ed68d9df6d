"""How dates are written where no tag says so; the travellers' pages have tags of their own."""
