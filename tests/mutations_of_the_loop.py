"""Faults of the closed loop; see `mutations.py`."""

from fault import Fault

LOOP = (
    Fault(
        "a rollback does not ask for more than chance",
        "monitoring/policy.py",
        "        and before.low > 0\n",
        "",
        "monitoring/test_policy.py::"
        "test_a_rollback_needs_days_an_interval_above_0_and_more_than_the_margin",
    ),
    Fault(
        "the cooldown holds nothing back",
        "monitoring/policy.py",
        "        if facts.today < earliest:\n",
        "        if facts.today < facts.last_training:\n",
        "monitoring/test_policy.py::test_the_cooldown_holds_back_what_is_due",
    ),
    Fault(
        "days that broke the contract are learned from",
        "monitoring/policy.py",
        "for broken in facts.broken_days if broken.blocks}",
        "for broken in facts.broken_days if not broken.blocks}",
        "monitoring/test_policy.py::test_a_broken_day_does_not_stop_a_training_but_stays_out_of_it",
    ),
    Fault(
        "a test for drift counts more days than there are",
        "monitoring/drift.py",
        "sample = max(1, round(our_days * their_days / (our_days + their_days)))",
        "sample = max(1, our_days * their_days)",
        "monitoring/test_distance.py::test_kolmogorov_smirnov_by_hand",
    ),
    Fault(
        "a challenger that is worse passes while that may be chance",
        "gates.py",
        "brier.estimate <= 0",
        "brier.low <= 0",
        "unit/test_rival_gates.py::test_worse_is_refused_however_unsure",
    ),
    Fault(
        "rows that are dropped are not counted",
        "service/recorder.py",
        "            self._metrics.log_dropped.inc(dropped)\n",
        "            self._metrics.log_dropped.inc(0)\n",
        "service/test_recorder.py::test_the_newest_rows_are_dropped_when_there_is_no_room",
    ),
    Fault(
        "a machine that was left behind decides for all",
        "crown_tag.py",
        "    return theirs if newer and theirs.version != champion.version else None\n",
        "    return None\n",
        "pipeline/test_odd_promotions.py::"
        "test_a_machine_that_was_left_behind_does_not_move_the_alias_back",
    ),
    Fault(
        "a predecessor that is gone keeps the champion away",
        "registry.py",
        "        except ProjectError:\n            line = line[-1:]\n",
        "        except ZeroDivisionError:\n            line = line[-1:]\n",
        "pipeline/test_odd_promotions.py::"
        "test_a_predecessor_that_is_gone_does_not_keep_the_champion_away",
    ),
)
