"""Faults that a tired person could make in a generated project, and the test that should see each.

A fault replaces a text that occurs once in its file. The test is the cheapest of the project's own
that is about what the fault breaks.
"""

from fault import Fault
from mutations_of_the_loop import LOOP

DATA_AND_FEATURES = (
    Fault(
        "wind and gusts are swapped",
        "data.py",
        '    "wind_speed": "wind_speed",\n    "wind_gust": "wind_gust",\n',
        '    "wind_speed": "wind_gust",\n    "wind_gust": "wind_speed",\n',
        "unit/test_data.py::"
        "test_a_wind_of_a_thousand_miles_an_hour_is_counted_once_and_becomes_null",
    ),
    Fault(
        "the city's delays are called the airline's",
        "features.py",
        '_recent(seen, "carrier", AIRLINE), on=[*AIRLINE, "cutoff"]',
        '_recent(seen, "carrier", []), on=["cutoff"]',
        "unit/test_features.py::test_delays_are_averaged_over_airport_airline_and_city",
    ),
    Fault(
        "weather is that of an hour not yet over",
        "features.py",
        "WEATHER_LAG = timedelta(hours=1)",
        "WEATHER_LAG = timedelta(0)",
        "unit/test_features.py::test_weather_is_the_last_reading_whose_hour_is_over",
    ),
    Fault(
        "delays after the cut-off are counted",
        "features.py",
        "for ago in range(1, HISTORY_HOURS + 1)",
        "for ago in range(HISTORY_HOURS + 1)",
        "unit/test_features.py::test_history_is_the_three_full_hours_before_the_cutoff_and_no_more",
    ),
    Fault(
        "a flight that waits counts with the delay that it will have",
        "features.py",
        'pl.min_horizontal("delay", waited)',
        'pl.coalesce("delay", waited)',
        "unit/test_features.py::"
        "test_a_flight_that_waits_at_the_cutoff_counts_with_its_delay_so_far",
    ),
    Fault(
        "the delay itself is a feature",
        "contract.py",
        '    Numeric("wind_speed",',
        '    Numeric("delay", "Delay", "min", -60, 3000, 0, nullable=True),\n'
        '    Numeric("wind_speed",',
        "unit/test_point_in_time.py::test_no_feature_moves_when_the_future_is_rewritten",
    ),
    Fault(
        "fifteen minutes are already late",
        "features.py",
        'late=pl.col("delay") > LATE_AFTER_MINUTES',
        'late=pl.col("delay") >= LATE_AFTER_MINUTES',
        "unit/test_features.py::test_the_outcome_is_null_for_a_flight_that_never_left",
    ),
    Fault(
        "the hash of the data leaves out its numbers",
        "data.py",
        "digest.update(column.to_physical().fill_null(0).to_numpy().tobytes())",
        "digest.update(str(len(column)).encode())",
        "unit/test_data_hash.py::test_the_hash_changes_with",
    ),
    Fault(
        "the last day of a window is in the next one too",
        "splits.py",
        'closed="left"',
        'closed="both"',
        "unit/test_splits.py::test_a_window_holds_its_first_day_and_not_its_last",
    ),
    Fault(
        "the month that chooses is fitted on",
        "splits.py",
        '"fit": (settings.fit_from, settings.validate_from)',
        '"fit": (settings.fit_from, settings.launch)',
        "unit/test_splits.py::test_a_window_holds_its_first_day_and_not_its_last",
    ),
)

CONTRACT = (
    Fault(
        "a new table is stored unchecked",
        "data.py",
        "table = validate(build_table(raw.flights, weather, raw.planes))",
        "table = build_table(raw.flights, weather, raw.planes)",
        "unit/test_data.py::test_a_table_that_breaks_the_contract_is_not_stored",
    ),
    Fault(
        "a stored table is believed",
        "data.py",
        "        validate(table)\n    except",
        "        table.height\n    except",
        "unit/test_data.py::test_loading_checks_the_contract",
    ),
    Fault(
        "a table may hold numbers over the maximum",
        "validation.py",
        "pa.Check.in_range(field.minimum, field.maximum)",
        "pa.Check.greater_than_or_equal_to(field.minimum)",
        "contract/test_frame_validation.py::test_bounds_are_allowed_and_beyond_them_is_not",
    ),
    Fault(
        "a request may hold numbers over the maximum",
        "service/schemas.py",
        "Field(ge=field.minimum, le=field.maximum,",
        "Field(ge=field.minimum,",
        "service/test_refused_rows.py::test_a_number_outside_its_range",
    ),
    Fault(
        "a null is served as zero and was learned as missing",
        "encoding.py",
        "[row[field.name] for row in rows]",
        "[row[field.name] or 0 for row in rows]",
        "unit/test_encoding.py::test_nulls_become_nan_and_the_token",
    ),
)

EVALUATION = (
    Fault(
        "calibration errors of different bins cancel",
        "evaluate.py",
        "np.abs(by_bin).sum(axis=1)",
        "np.abs(by_bin.sum(axis=1))",
        "unit/test_metrics.py::test_calibration_errors_of_one_bin_cancel_and_of_two_do_not",
    ),
    Fault(
        "the Brier score is of absolute errors",
        "evaluate.py",
        "(rows.probability - rows.outcome) ** 2, rows.days",
        "np.abs(rows.probability - rows.outcome), rows.days",
        "unit/test_metrics.py::test_auc_and_brier_are_scikit_learns_ties_included",
    ),
    Fault(
        "intervals are drawn from rows, not from days",
        "evaluate.py",
        "    weights = _day_weights(rows.days, resamples, seed)\n",
        "    rows = Scored(rows.outcome, rows.probability, np.arange(len(rows.day)))\n"
        "    weights = _day_weights(rows.days, resamples, seed)\n",
        "unit/test_intervals.py::test_copies_of_rows_within_their_days_do_not_narrow_the_interval",
    ),
    Fault(
        "the threshold is chosen after launch",
        "train.py",
        "scored(windows.validation, probabilities(candidate, windows.validation))",
        "scored(windows.launch, probabilities(candidate, windows.launch))",
        "unit/test_train.py::test_validation_chooses_the_threshold_and_launch_does_not",
    ),
)

BUNDLES_AND_REGISTRY = (
    Fault(
        "parity is that of ONNX with itself",
        "export.py",
        "    ours = _score(pipeline, cases)\n",
        "    ours = run_session(open_session(model), cases)\n",
        "pipeline/test_export.py::test_native_categorical_features_convert_and_are_caught",
    ),
    Fault(
        "the model that chose goes round the parity gate",
        "export.py",
        "check_parity(trained.candidate, to_onnx_bytes(trained.candidate), validation, limit)",
        "to_onnx_bytes(trained.candidate)",
        "pipeline/test_export.py::test_nothing_is_exported_when_parity_fails",
    ),
    Fault(
        "the model that is shipped goes round the parity gate",
        "export.py",
        "difference = check_parity(trained.final, model, validation, limit)",
        "difference = 0.0",
        "pipeline/test_export.py::test_nothing_is_exported_when_parity_fails",
    ),
    Fault(
        "the hash of the code leaves out the code",
        "export.py",
        '        digest.update(path.read_bytes().replace(b"\\r\\n", b"\\n"))\n',
        "",
        "pipeline/test_export.py::test_the_code_hash_changes_with_any_module_and_with_nothing_else",
    ),
    Fault(
        "the files of a bundle are hashed and not compared",
        "bundle.py",
        "if hashlib.sha256(content).hexdigest() != manifest.files[name]:",
        "if not hashlib.sha256(content).hexdigest():",
        "unit/test_bundle.py::test_one_changed_byte_in_any_file_is_noticed",
    ),
    Fault(
        "the golden rows are not scored",
        "bundle.py",
        "    bundle.check_golden(json.loads(contents[GOLDEN_FILE]))\n",
        "",
        "unit/test_bundle.py::test_a_model_that_answers_otherwise_than_scikit_learn_is_refused",
    ),
    Fault(
        "the gates are asked and not heeded",
        "registry.py",
        "passed = all(gate.passed for gate in gates)",
        "passed = bool(gates)",
        "pipeline/test_registry.py::"
        "test_a_challenger_worse_than_the_champion_is_refused_and_recorded",
    ),
    Fault(
        "the version of a model hangs on what happens after launch",
        "export.py",
        "data_hash=data_hash(windows.history),",
        "data_hash=data_hash(windows.history.vstack(windows.launch)),",
        "pipeline/test_export.py::test_what_happens_after_launch_is_no_part_of_the_bundle",
    ),
    Fault(
        "a champion that cannot be read is passed over in silence",
        "judging.py",
        "[*judge(manifest, None, settings, milliseconds), unreadable_champion(problem)]",
        "judge(manifest, None, settings, milliseconds)",
        "pipeline/test_registry.py::test_a_champion_that_cannot_be_read_is_a_gate_to_be_seen",
    ),
    Fault(
        "one shared day is enough to compare",
        "gates.py",
        "if len(pairs) < settings.min_shared_days:",
        "if not pairs and settings.min_shared_days:",
        "unit/test_gates.py::test_champion_needs_enough_shared_days_however_good_they_are",
    ),
    Fault(
        "a challenger has to be worse than the champion",
        "gates.py",
        "difference.low <= 0,",
        "difference.low > 0,",
        "unit/test_gates.py::"
        "test_champion_refuses_a_challenger_that_is_worse_beyond_the_noise_of_days",
    ),
    Fault(
        "the champion's file is written in place",
        "champion.py",
        "write_atomically(models / CHAMPION_FILE, f",
        "(models / CHAMPION_FILE).write_bytes(f",
        "unit/test_champion_crash.py::test_the_content_is_on_disk_before_the_name_is",
    ),
    Fault(
        "the way back leads to the first champion",
        "champion.py",
        "line = current.line[:-1]",
        "line = current.line[:1]",
        "unit/test_champion.py::test_two_rollbacks_go_back_two_champions",
    ),
)

SERVICE = (
    Fault(
        "the service returns a constant",
        "service/answering.py",
        "for probability in probabilities.tolist()",
        "for probability in [0.25] * len(probabilities)",
        "service/test_predict.py::test_one_row_gets_the_answer_of_the_bundle",
    ),
    Fault(
        "a body may be of any size",
        "service/middleware.py",
        "            if received > self.max_body_bytes:\n",
        "            if received < 0:\n",
        "service/test_bounds.py::test_a_body_that_grows_larger_is_read_no_further",
    ),
    Fault(
        "any key is accepted",
        "service/security.py",
        "    if not any(matches):\n",
        "    if not key or not matches:\n",
        "service/test_security.py::test_without_an_accepted_key_there_is_no_answer",
    ),
    Fault(
        "predictions are not counted",
        "service/answering.py",
        "            self._metrics.predictions.labels(version, outcome).inc()\n",
        "            self._metrics.predictions.labels(version, outcome)\n",
        "service/test_metrics.py::test_predictions_are_counted_as_they_were_answered",
    ),
    Fault(
        "a service without a model says that it is ready",
        "service/routes.py",
        "        _bundle(store)\n        return Health",
        "        return Health",
        "service/test_predict.py::"
        "test_without_a_model_the_service_lives_and_says_why_it_is_not_ready",
    ),
    Fault(
        "a damaged champion ends the answers of the one before it",
        "service/model_store.py",
        '        self._metrics.swaps.labels("rejected").inc()\n',
        "        self.bundle = None\n",
        "service/test_rejected_bundles.py::test_the_old_one_answers_on",
    ),
)

FAULTS = (*DATA_AND_FEATURES, *CONTRACT, *EVALUATION, *BUNDLES_AND_REGISTRY, *SERVICE, *LOOP)
