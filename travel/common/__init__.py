"""Ground of the house: what every storey stands on, and the tables that belong to none."""
