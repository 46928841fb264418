"""Names that columns of a study's person-periods have, so that nothing of a study may be called so.

An outcome or an item of care is a column of its own beside these.
"""

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
TAKEN = frozenset(
    {
        *COVARIATES,
        *("patient_id", "practice_id", "period", "period_label", "first_treated", "weight"),
        *("exposure", "person", "arm", "rule", "comparison", "dead_share"),
        *("programme_start", "index_date", "ethnicity", "diagnosed_on", "censored_on"),
        *("censored_reason", "followed_from"),
    }
)
