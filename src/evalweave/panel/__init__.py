"""From measurements and cohort to one row a patient and period, for one comparison."""

# Facts of the index date that stand in every row, to adjust for and to compare groups by.
COVARIATES = (
    "age",
    "sex",
    "female",
    "white",
    "imd_quintile",
    "n_conditions",
    "fewer_conditions",
    "incident",
)
DEAD_SHARE = "dead_share"  # of a period: its days after the day of death
