"""Publications that the report cites, as they are printed."""

from __future__ import annotations

ARKHANGELSKY_2021 = (
    "Arkhangelsky D, Athey S, Hirshberg DA, Imbens GW, Wager S. Synthetic "
    "difference-in-differences. American Economic Review 2021;111:4088–4118."
)
BELOTTI_2015 = (
    "Belotti F, Deb P, Manning WG, Norton EC. twopm: two-part models. Stata Journal 2015;15:3–20."
)
BELL_MCCAFFREY_2002 = (
    "Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with "
    "multi-stage samples. Survey Methodology 2002;28:169–181."
)
BORUSYAK_2024 = (
    "Borusyak K, Jaravel X, Spiess J. Revisiting event-study designs. Review of Economic "
    "Studies 2024;91:3253–3285."
)
CALLAWAY_SANTANNA_2021 = (
    "Callaway B, Sant’Anna PHC. Difference-in-differences with multiple time periods. Journal "
    "of Econometrics 2021;225:200–230."
)
CAMERON_GELBACH_MILLER_2008 = (
    "Cameron AC, Gelbach JB, Miller DL. Bootstrap-based improvements for inference with "
    "clustered errors. Review of Economics and Statistics 2008;90:414–427."
)
CORREIA_2020 = (
    "Correia S, Guimarães P, Zylkin T. Fast Poisson estimation with high-dimensional fixed "
    "effects. Stata Journal 2020;20:95–115."
)
DING_LI_2019 = (
    "Ding P, Li F. A bracketing relationship between difference-in-differences and "
    "lagged-dependent-variable adjustment. Political Analysis 2019;27:605–615."
)
FARMER_2006 = (
    "Farmer T, Robinson K, Elliott SJ, Eyles J. Developing and implementing a triangulation "
    "protocol. Qualitative Health Research 2006;16:377–394."
)
GRAMMS = (
    "O’Cathain A, Murphy E, Nicholl J. The quality of mixed methods studies in health "
    "services research (GRAMMS). Journal of Health Services Research & Policy 2008;13:92–98."
)
MACKINNON_WEBB_2018 = (
    "MacKinnon JG, Webb MD. The wild bootstrap for few (treated) clusters. Econometrics "
    "Journal 2018;21:114–135."
)
HANSEN_2025 = (
    "Hansen BE. Jackknife standard errors for clustered regression. Review of Economic Studies "
    "2025. doi:10.1093/restud/rdag050."
)
MACKINNON_NIELSEN_WEBB_2023 = (
    "MacKinnon JG, Nielsen MØ, Webb MD. Fast and reliable jackknife and bootstrap methods for "
    "cluster-robust inference. Journal of Applied Econometrics 2023;38:671–694."
)
OCATHAIN_2010 = (
    "O’Cathain A, Murphy E, Nicholl J. Three techniques for integrating data in mixed methods "
    "studies. BMJ 2010;341:c4587."
)
PUSTEJOVSKY_TIPTON_2018 = (
    "Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance estimation in "
    "fixed effects models. Journal of Business & Economic Statistics 2018;36:672–683."
)
PUHANI_2012 = (
    "Puhani PA. The treatment effect, the cross difference, and the interaction term in nonlinear "
    "“difference-in-differences” models. Economics Letters 2012;115:85–87."
)
RECORD = (
    "Benchimol EI, et al. The REporting of studies Conducted using Observational "
    "Routinely-collected health Data (RECORD) statement. PLoS Medicine 2015;12:e1001885."
)
ROTH_2022 = (
    "Roth J. Pretest with caution: event-study estimates after testing for parallel trends. "
    "American Economic Review: Insights 2022;4:305–322."
)
ROBINS_1995 = (
    "Robins JM, Rotnitzky A, Zhao LP. Analysis of semiparametric regression models for repeated "
    "outcomes in the presence of missing data. JASA 1995;90:106–121."
)
SANTANNA_ZHAO_2020 = (
    "Sant’Anna PHC, Zhao J. Doubly robust difference-in-differences estimators. Journal of "
    "Econometrics 2020;219:101–122."
)
SUN_ABRAHAM_2021 = (
    "Sun L, Abraham S. Estimating dynamic treatment effects in event studies with "
    "heterogeneous treatment effects. Journal of Econometrics 2021;225:175–199."
)
WEBB_2023 = (
    "Webb MD. Reworking wild bootstrap-based inference for clustered errors. Canadian Journal "
    "of Economics 2023;56:839–858."
)
WOOLDRIDGE_2021 = (
    "Wooldridge JM. Two-way fixed effects, the two-way Mundlak regression, and "
    "difference-in-differences estimators. SSRN 3906345, 2021."
)
WOOLDRIDGE_1999 = (
    "Wooldridge JM. Distribution-free estimation of some nonlinear panel data models. Journal of "
    "Econometrics 1999;90:77–97."
)
WOOLDRIDGE_2023 = (
    "Wooldridge JM. Simple approaches to nonlinear difference-in-differences with panel data. "
    "Econometrics Journal 2023;26:C31–C66."
)
BARNARD_1999 = (
    "Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. Biometrika "
    "1999;86:948–955."
)
SCHAFER_2002 = (
    "Schafer JL, Yucel RM. Computational strategies for multivariate linear mixed-effects models "
    "with missing values. Journal of Computational and Graphical Statistics 2002;11:437–457."
)
VAN_BUUREN_2011 = (
    "van Buuren S, Groothuis-Oudshoorn K. mice: multivariate imputation by chained equations in R. "
    "Journal of Statistical Software 2011;45(3):1–67."
)
LEE_2009 = (
    "Lee DS. Training, wages, and sample selection: estimating sharp bounds on treatment effects. "
    "Review of Economic Studies 2009;76:1071–1102."
)
IMBENS_2004 = (
    "Imbens GW, Manski CF. Confidence intervals for partially identified parameters. Econometrica "
    "2004;72:1845–1857."
)
