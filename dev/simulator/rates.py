"""How often things happen in an honest company, and where each figure comes from.

Shares are 0..1. "Traces" are published phone location traces, "kiosk logs" two real logs of shared
terminals, both measured as docs/detection ("Real data") tells. Everything marked "assumed" is a
guess on the generous side, so that the company is messier than most.
"""

from typing import NamedTuple


class Rates(NamedTuple):
    """How often what happens. Shares are per visit (one person's stay for a shift) unless a name or
    remark says otherwise.
    """

    absent: float = 0.03  # assumed: about the sickness rate of European labour force surveys
    # of absences: the shift is cancelled; the rest is covered, by a relief guard or a double
    absence_cancelled: float = 0.35
    # assumed: one visit in 250 is worked by a colleague nobody entered
    unrostered_swap: float = 0.004
    late: float = 0.04  # assumed; 10 to 60 minutes
    very_early: float = 0.005  # assumed; more than an hour before the shift
    leaves_early: float = 0.02  # assumed; 20 to 90 minutes
    stays_on: float = 0.06  # assumed; 20 to 100 minutes
    forgets_check_in: float = 0.001  # assumed
    forgets_check_out: float = 0.012  # assumed; payroll vendors speak of one to two in a hundred
    punches_breaks: float = 0.7  # of people, assumed
    double_tap: float = 0.015  # per punch, assumed; 2 to 20 seconds apart
    # of visits by phone, assumed: the app hands its punches in one to five hours late
    offline: float = 0.003
    # per kiosk punch that follows another within minutes; gives kiosk logs' 9 to 27 % within 10 s
    queues: float = 0.45
    coarse_fix: float = 0.01  # per fix, assumed: network location, claiming 500 to 3,000 m
    # per fix, assumed: the error is 2 to 5 times what the claimed accuracy allows
    heavy_tail: float = 0.01
    # per first fix at the next site within 25 minutes: still the last site's fix
    cached_elsewhere: float = 0.05
    # per kept biometric read of the people who read poorly, assumed: dirt, frost, a mask
    poor_read: float = 0.0015


HONEST = Rates()
# On traces 73 to 96 % of consecutive fixes are identical; phones that always ask the satellites
# have none.
CACHING_PHONES = 0.5
CACHE_SHARE = (0.73, 0.96)
# Failed matches cluster in a minority of people, the "goats" of Doddington et al. 1998; the share
# is assumed.
POOR_READERS = 0.3
# A phone's claimed accuracy: log-normal round 12 m, as traces outdoors and in light buildings have
# it.
ACCURACY_MEDIAN_M = 12.0
ACCURACY_SPREAD = 0.6
# The claim is a 68 % radius; of a Rayleigh error that is 1.51 sigma (sqrt(-2 ln 0.32)).
CLAIM_IN_SIGMAS = 1.5096
