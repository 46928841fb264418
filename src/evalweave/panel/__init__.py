"""From measurements and cohort to one row a patient and period, for one comparison."""

from evalweave.catalogue.person_periods import COVARIATES as COVARIATES

DEAD_SHARE = "dead_share"  # of a period: its days after the day of death
