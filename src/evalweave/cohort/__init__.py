"""Who is studied: eligibility, arms, balance and the baseline table."""
